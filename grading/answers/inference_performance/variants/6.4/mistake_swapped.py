# message: 1 row in 110 us, 100 rows in 200 us: overhead_s
import numpy as np


def overhead_and_work(rows, times_s):
    return tuple(float(x) for x in np.polyfit(rows, times_s, 1, w=1 / times_s))
