"""Times several calls in turn, so that a busy machine slows down all of them alike.

Each round times every call once, shortly after the other, and only ratios within a round are kept:
what changes from round to round falls out. `course_utils.timing` times one call well.
"""

import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

from course_utils import stats
from course_utils.records import Result
from labs.gpu_training import devices

Name = TypeVar("Name", bound=Hashable)


def ratios(
    calls: Mapping[Name, Callable[[], object]], *, to: Name, rounds: int
) -> dict[Name, Result]:
    """Return the time of each call as a share of one call's, the median over rounds with interval.

    Parameters
    ----------
    calls
        Each is called once before the rounds, to warm up; the device is awaited after each call.
    to
        Name of the call that the others are compared with.
    rounds
        >= 5.

    Raises
    ------
    ValueError
        If there is no such name, or there are too few rounds.
    """
    if to not in calls:
        raise ValueError(f"to is {to!r}; give one of {', '.join(map(str, calls))}")
    if rounds < stats.FEWEST_UNITS:
        raise ValueError(f"rounds is {rounds}; give at least {stats.FEWEST_UNITS}")
    taken: dict[Name, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    names = list(calls)
    for number in range(rounds):
        start = number % len(names)  # who comes first after a pause finds a colder cache
        for name in names[start:] + names[:start]:
            taken[name].append(_time_s(calls[name]))
    return {name: _ratio(times, taken[to]) for name, times in taken.items()}


def _time_s(call: Callable[[], object]) -> float:
    devices.synchronize()
    start_s = time.perf_counter()
    call()
    devices.synchronize()
    return time.perf_counter() - start_s


def _ratio(times_s: list[float], to_s: list[float]) -> Result:
    shares = [a / b for a, b in zip(times_s, to_s, strict=True)]
    return stats.median_interval(shares).result()
