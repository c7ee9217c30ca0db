# message: 13 calls, numbers of rows repeat
import numpy as np


def overhead_and_work(rows, times_s):
    sizes = np.unique(rows)
    medians = np.array([np.median(times_s[rows == n]) for n in sizes])
    work_s, overhead_s = np.polyfit(sizes, medians, 1, w=1 / medians)
    return float(overhead_s), float(work_s)
