import numpy as np
from scipy import special


def time_calls(work, synchronize, clock, warmup, repeats):
    times = []
    for call in range(warmup + repeats):
        if call == warmup:
            synchronize()
            times.append(clock())
        work()
        if call >= warmup:
            synchronize()
            times.append(clock())
    return np.diff(times)


def median_interval(times):
    x = np.sort(np.asarray(times, float))
    misses = 2 * special.bdtr(np.arange(len(x)), len(x), 0.5)
    allowed = np.flatnonzero(misses <= 0.05)
    if not len(allowed):
        raise ValueError("the interval needs six times")
    i = allowed[-1]
    return np.array([np.median(x), x[i], x[::-1][i]])
