import numpy as np


def overhead_and_work(rows, times_s):
    weights = 1 / np.asarray(times_s) ** 2
    design = np.stack([np.ones(len(rows)), rows])
    left = design * weights @ design.T
    return np.linalg.solve(left, design * weights @ times_s)
