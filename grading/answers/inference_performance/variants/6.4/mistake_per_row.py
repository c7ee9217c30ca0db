# message: 1 to 256 rows, times off by up to a tenth
import numpy as np


def overhead_and_work(rows, times_s):
    design = np.column_stack([1 / rows, np.ones(len(rows))])
    overhead_s, work_s = np.linalg.lstsq(design, times_s / rows, rcond=None)[0]
    return float(overhead_s), float(work_s)
