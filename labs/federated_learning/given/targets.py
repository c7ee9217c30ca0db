"""Stand-ins for exercise 3.3: rounds to a target by `numpy.interp`, bytes by `numpy.cumsum`."""

from collections.abc import Sequence

import numpy as np

__all__ = ["bytes_to", "rounds_to"]


def rounds_to(accuracies: Sequence[float], target: float) -> float | None:
    """Return where the best accuracy so far crosses the target, or None.

    Parameters
    ----------
    accuracies
        Before the first round and after each.
    target
        Accuracy to reach.
    """
    best = np.maximum.accumulate(np.asarray(accuracies, np.float64))
    reached = int(np.searchsorted(best, target))
    if reached in (0, len(best)):
        return None if reached else 0.0
    ends = [reached - 1, reached]
    return float(np.interp(target, best[ends], ends))


def bytes_to(
    accuracies: Sequence[float],
    target: float,
    *,
    bytes_up: Sequence[int],
    bytes_down: Sequence[int],
) -> int | None:
    """Return what was sent both ways until the round that reaches the target ended, or None.

    Parameters
    ----------
    accuracies
        Before the first round and after each.
    target
        Accuracy to reach.
    bytes_up, bytes_down
        Of each round.
    """
    rounds = rounds_to(accuracies, target)
    if rounds is None:
        return None
    sent = np.cumsum([0, *np.add(bytes_up, bytes_down).tolist()])
    return int(sent[int(np.ceil(rounds))])
