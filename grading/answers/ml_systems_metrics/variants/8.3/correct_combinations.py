import math


def _at_most(k, n, p):
    return sum(math.comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(k + 1))


def percentile_interval(samples, percent, level):
    samples, n, p = sorted(float(x) for x in samples), len(samples), percent / 100
    risk = (1 - level) / 2
    value = next(x for i, x in enumerate(samples, 1) if 100 * i >= percent * n)
    k = 0
    while k < n and _at_most(k, n, p) <= risk:
        k += 1
    low = samples[k - 1] if k else None
    k = n + 1
    while k > 1 and 1 - _at_most(k - 2, n, p) <= risk:
        k -= 1
    high = samples[k - 1] if k <= n else None
    return value, low, high


def fewest_samples(percent, level):
    share, chance, n = max(percent, 100 - percent) / 100, 1.0, 0
    while chance > (1 - level) / 2:
        chance, n = chance * share, n + 1
    return n
