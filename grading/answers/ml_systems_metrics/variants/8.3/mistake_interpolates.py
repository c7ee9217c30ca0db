# message: p50 of 10, 20
import math

from scipy.stats import binom


def percentile_interval(samples, percent, level):
    ordered, n = sorted(samples), len(samples)
    risk, p = (1 - level) / 2, percent / 100
    import numpy as np

    value = float(np.percentile(ordered, percent))
    low = high = None
    for k in range(1, n + 1):
        if binom.cdf(k - 1, n, p) <= risk:
            low = ordered[k - 1]
        if binom.sf(k - 1, n, p) <= risk:
            high = ordered[k - 1]
            break
    return value, low, high


def fewest_samples(percent, level):
    n = 1
    while max(percent, 100 - percent) ** n / 100**n > (1 - level) / 2:
        n += 1
    return n
