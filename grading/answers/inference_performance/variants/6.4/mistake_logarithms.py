# message: 1 row in 110 us
import numpy as np


def overhead_and_work(rows, times_s):
    power, start = np.polyfit(np.log(rows), np.log(times_s), 1)
    return float(np.exp(start)), float(power)
