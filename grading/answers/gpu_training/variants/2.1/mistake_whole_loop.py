# message: need 4 readings of clock at least; you read it 2 times
import numpy as np
from scipy.stats import binom


def time_calls(work, synchronize, clock, warmup, repeats):
    for _ in range(warmup):
        work()
    synchronize()
    start = clock()
    for _ in range(repeats):
        work()
    synchronize()
    return [(clock() - start) / repeats] * repeats


def median_interval(times):
    n = len(times)
    if n < 6:
        raise ValueError("too few")
    ordered = sorted(times)
    tails = [2 * binom.cdf(k, n, 0.5) for k in range(n // 2)]
    i = sum(tail <= 0.05 for tail in tails) - 1
    return float(np.median(ordered)), ordered[i], ordered[-1 - i]
