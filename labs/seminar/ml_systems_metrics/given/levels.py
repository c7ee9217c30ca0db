"""Stand-in for exercise 8.2: plateaus of a latency curve, grouped by how many climbs lie below."""

import itertools
import statistics
from collections.abc import Sequence

__all__ = ["find_levels"]

FEWEST = 3


def find_levels(
    sizes_bytes: Sequence[int], latency_ns: Sequence[float], rise: float
) -> list[tuple[int, float]]:
    """Return capacity and latency of each level.

    Parameters
    ----------
    sizes_bytes, latency_ns
        (n,) each, sizes ascending.
    rise
        A step that multiplies the latency by more is a climb.
    """
    clean = [float(min(latency_ns[i:])) for i in range(len(latency_ns))]
    climbs = (after > rise * before for before, after in itertools.pairwise(clean))
    number = itertools.accumulate(climbs, initial=0)
    levels = []
    for _, group in itertools.groupby(zip(number, sizes_bytes, clean, strict=True), lambda x: x[0]):
        plateau = list(group)
        if len(plateau) >= FEWEST:
            middle = statistics.median(latency for _, _, latency in plateau)
            levels.append((int(plateau[-1][1]), middle))
    return levels
