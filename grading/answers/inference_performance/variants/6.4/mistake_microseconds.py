# message: 1 row in 110 us
import numpy as np


def overhead_and_work(rows, times_s):
    work_s, overhead_s = np.polyfit(rows, times_s, 1, w=1 / times_s)
    return float(1e6 * overhead_s), float(1e6 * work_s)
