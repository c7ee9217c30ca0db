"""Stand-ins for exercise 3.5: a queue of events in place of sorting, and logarithms."""

import heapq
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["kept", "simulate_round", "staleness_weight"]


def kept(durations: Sequence[float], wanted: int, deadline_s: float) -> list[int]:
    """Return who finishes first, taken one by one from a queue.

    Parameters
    ----------
    durations
        (n,), of each client [s].
    wanted
        Updates that are enough.
    deadline_s
        Longest round [s].
    """
    queue = [(float(each), client) for client, each in enumerate(durations)]
    heapq.heapify(queue)
    found: list[int] = []
    while queue and len(found) < wanted and queue[0][0] <= deadline_s:
        at_s, client = heapq.heappop(queue)
        if math.isfinite(at_s):
            found.append(client)
    return found


def simulate_round(durations: Sequence[float], wanted: int, deadline_s: float) -> dict[str, Any]:
    """Return a dict with kept, round_s and wasted_s.

    Parameters
    ----------
    durations, wanted, deadline_s
        As for `kept`.
    """
    used = kept(durations, wanted, deadline_s)
    last_s = max((float(durations[client]) for client in used), default=0.0)
    round_s = last_s if len(used) >= wanted else float(deadline_s)
    worked_s = np.minimum(np.asarray(durations, float), round_s)
    worked_s[used] = 0
    return {"kept": used, "round_s": round_s, "wasted_s": float(worked_s.sum())}


def staleness_weight(staleness: Any, a: float) -> Any:
    """Return how much late updates count, by `numpy.log1p`.

    Parameters
    ----------
    staleness
        A number or an array, 0 or more.
    a
        Exponent.
    """
    return np.exp(-a * np.log1p(staleness))
