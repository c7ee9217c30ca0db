# message: 1 to 256 rows
import numpy as np


def overhead_and_work(rows, times_s):
    work_s = (times_s[-1] - times_s[0]) / (rows[-1] - rows[0])
    return float(times_s[0] - work_s * rows[0]), float(work_s)
