# message: end of p
import math

from scipy.stats import binom


def percentile_interval(samples, percent, level):
    ordered, n = sorted(samples), len(samples)
    p = percent / 100
    value = ordered[math.ceil(n * percent / 100) - 1]
    half = 1.96 * math.sqrt(n * p * (1 - p))
    low = ordered[max(0, round(n * p - half) - 1)]
    high = ordered[min(n - 1, round(n * p + half))]
    return value, low, high


def fewest_samples(percent, level):
    n = 1
    while max(percent, 100 - percent) ** n / 100**n > (1 - level) / 2:
        n += 1
    return n
