# message: low and high are the
import numpy as np
from scipy.stats import binom


def time_calls(work, synchronize, clock, warmup, repeats):
    for _ in range(warmup):
        work()
    durations = []
    for _ in range(repeats):
        synchronize()
        start = clock()
        work()
        synchronize()
        durations.append(clock() - start)
    return durations


def median_interval(times):
    if len(times) < 6:
        raise ValueError("too few")
    spread = 1.96 * np.std(times, ddof=1) / len(times) ** 0.5
    middle = float(np.median(times))
    return middle, middle - spread, middle + spread
