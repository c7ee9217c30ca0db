# message: withheld
from course_utils import stats, timing


def time_calls(work, synchronize, clock, warmup, repeats):
    return list(timing.latency(work, warmup=warmup, min_runs=repeats).samples_ms)


def median_interval(times):
    found = stats.median_interval(times)
    return found.value, found.low, found.high
