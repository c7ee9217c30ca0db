# message: end of p
import numpy as np
from scipy import stats


def percentile_interval(samples, percent, level):
    x = np.asarray(samples, dtype=float)
    value = np.sort(x)[int(np.ceil(len(x) * percent / 100)) - 1]
    half = stats.t.ppf(0.5 + level / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return value, value - half, value + half


def fewest_samples(percent, level):
    n = 1
    while max(percent, 100 - percent) ** n / 100**n > (1 - level) / 2:
        n += 1
    return n
