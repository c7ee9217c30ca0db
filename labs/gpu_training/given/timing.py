"""Stand-ins for the two functions of exercise 2.1, from `timeit` and `course_utils.stats`."""

import timeit
from collections.abc import Callable, Sequence
from typing import Any

from course_utils import stats

__all__ = ["median_interval", "time_calls"]

FEWEST = 6


def time_calls(
    work: Callable[[], Any],
    synchronize: Callable[[], Any],
    clock: Callable[[], float],
    warmup: int,
    repeats: int,
) -> list[float]:
    """Return how long calls of ``work`` take, by `timeit.repeat` with a clock of one's own.

    Parameters
    ----------
    work, synchronize
        Hands work to a device; waits until the device is idle.
    clock
        Returns a time; durations come in its unit.
    warmup, repeats
        Calls that are not measured, and those that are.
    """
    if warmup:
        timeit.timeit(work, number=warmup)

    def call() -> None:
        work()
        synchronize()

    timer = timeit.Timer(call, setup=synchronize, timer=clock)
    return timer.repeat(repeats, number=1)


def median_interval(times: Sequence[float]) -> tuple[float, float, float]:
    """Return median, low and high of independent times, by `course_utils.stats`.

    Parameters
    ----------
    times
        (n,), n >= 6.

    Raises
    ------
    ValueError
        If there are fewer: the interval would hold the median in less than 95 % of cases.
    """
    if len(times) < FEWEST:
        raise ValueError(f"{len(times)} times; an interval of 95 % needs {FEWEST}")
    found = stats.median_interval(list(times))
    return found.value, found.low, found.high
