from scipy.stats import binom


def time_calls(work, synchronize, clock, warmup, repeats):
    def one():
        synchronize()
        before = clock()
        work()
        synchronize()
        after = clock()
        return after - before

    return tuple([one() for _ in range(warmup + repeats)][warmup:])


def median_interval(times):
    times = sorted(times)
    n = len(times)
    rank = int(binom.ppf(0.025, n, 0.5))
    while rank > 0 and 2 * binom.cdf(rank - 1, n, 0.5) > 0.05:
        rank -= 1
    if rank == 0:
        raise ValueError(n)
    middle = (times[(n - 1) // 2] + times[n // 2]) / 2
    return middle, times[rank - 1], times[n - rank]
