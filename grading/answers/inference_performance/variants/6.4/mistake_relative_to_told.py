# message: 1 to 256 rows, times off by up to a tenth
import numpy as np


def overhead_and_work(rows, times_s):
    told = times_s
    for _ in range(50):
        work_s, overhead_s = np.polyfit(rows, times_s, 1, w=1 / told)
        told = overhead_s + rows * work_s
    return float(overhead_s), float(work_s)
