"""Stand-ins for exercise 3.10: a table of pauses, a dict read backwards, a search.

They decide as the exercise says, and are written another way; they know nothing of processes.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

__all__ = ["count_answers", "next_action", "roll_back"]

HANGS_S = 60


def next_action(
    life: Sequence[tuple[float, str]],
    now_s: float,
    first_s: float = 2,
    most_s: float = 16,
    tries: int = 8,
) -> str:
    """Return ``wait``, ``restart`` or ``give up``.

    Parameters
    ----------
    life
        Pairs of seconds and what happened, oldest first, at least one.
    now_s
        Seconds by the same clock.
    first_s, most_s
        Pause after the first refusal, and the longest one [s].
    tries
        Refusals in a row after which a node is given up.
    """
    since_online = list(takewhile(lambda entry: entry[1] != "online", reversed(life)))
    if not since_online:
        return "wait"
    refused = Counter(what for _, what in since_online)["refused"]
    pauses = {"lost": 0.0, "started": HANGS_S}
    pauses["refused"] = first_s
    for _ in range(1, refused):
        pauses["refused"] *= 2
    pauses["refused"] = min(pauses["refused"], most_s)
    at_s, last = life[-1]
    if last == "refused" and refused >= tries:
        return "give up"
    return "wait" if now_s < at_s + pauses[last] else "restart"


def count_answers(asked: Sequence[int], answers: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return the numbers of ``good``, ``failed`` and ``silent`` clients.

    Parameters
    ----------
    asked
        Clients.
    answers
        Each with ``client``, ``samples`` and ``error``.
    """
    first = {answer["client"]: answer for answer in reversed(answers)}
    heard = [first[client] for client in asked if client in first]
    good = sum(1 for answer in heard if answer["error"] == "" and answer["samples"] > 0)
    return {"good": good, "failed": len(heard) - good, "silent": len(asked) - len(heard)}


def roll_back(
    accuracies: Mapping[int, float], saved: Sequence[int], tolerance: float
) -> int | None:
    """Return the round to go on from, or None.

    Parameters
    ----------
    accuracies
        By round.
    saved
        Rounds whose weights are on disk, in any order.
    tolerance
        How much below the best is good enough.
    """
    usable = [each for each in saved if math.isfinite(accuracies.get(each, math.nan))]
    if not usable:
        return None
    usable.sort(key=lambda each: accuracies[each])
    least = accuracies[usable[-1]] - tolerance
    for each in sorted(usable, reverse=True):
        if accuracies[each] >= least:
            return each
    return None
