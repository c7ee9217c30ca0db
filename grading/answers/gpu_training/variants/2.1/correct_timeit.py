import math
import statistics
import timeit


def time_calls(work, synchronize, clock, warmup, repeats):
    for _ in range(warmup):
        work()

    def call():
        work()
        synchronize()

    return timeit.repeat(call, setup=synchronize, timer=clock, repeat=repeats, number=1)


def median_interval(times):
    n = len(times)
    if n <= 5:
        raise ValueError(f"{n} times")
    below = 0
    for k in range(n):
        below += math.comb(n, k)
        if 40 * below > 2**n:  # 2 P(B <= k) above 1/20
            break
    ordered = sorted(times)
    return statistics.median(times), ordered[k - 1], ordered[n - k]
