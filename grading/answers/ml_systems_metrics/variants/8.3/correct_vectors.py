import numpy as np
from scipy.special import bdtr


def percentile_interval(samples, percent, level):
    x = np.sort(np.asarray(samples))
    n = x.size
    k = np.arange(1, n + 1)
    fewer = bdtr(k - 1, n, percent / 100)
    risk = (1 - level) / 2
    lows, highs = x[fewer <= risk], x[1 - fewer <= risk]
    value = np.quantile(x, percent / 100, method="inverted_cdf")
    return [value, lows[-1] if lows.size else None, highs[0] if highs.size else None]


def fewest_samples(percent, level):
    for n in range(1, 10_000):
        _, low, high = percentile_interval(range(n), percent, level)
        if low is not None and high is not None:
            return n
