# message: overhead_s
import numpy as np


def overhead_and_work(rows, times_s):
    return 0.0, float(np.sum(rows / times_s) / np.sum((rows / times_s) ** 2))
