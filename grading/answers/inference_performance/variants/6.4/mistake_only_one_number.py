# message: return two floats
import numpy as np


def overhead_and_work(rows, times_s):
    return float(np.polyfit(rows, times_s, 1, w=1 / times_s)[0])
