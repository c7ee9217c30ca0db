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
    return tuple(float(np.quantile(times, q)) for q in (0.5, 0.25, 0.75))
