"""When a round ends, whose updates it keeps, and what a late one is worth: arithmetic on durations.

Nothing is trained or drawn here; `labs.federated_learning.systems` does both.
"""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import numpy.typing as npt


class Ended(TypedDict):
    """A round that is over.

    Attributes
    ----------
    kept
        Positions of the clients whose updates count, in the order in which they finished.
    round_s
        How long it took [s].
    wasted_s
        Work of all others until then [s].
    """

    kept: list[int]
    round_s: float
    wasted_s: float


def kept(durations: Sequence[float], wanted: int, deadline_s: float) -> list[int]:
    """Return who is among the first `wanted` to finish, and not after the deadline.

    Parameters
    ----------
    durations
        (n,), of each client that was asked [s]; inf for one that never answers.
    wanted
        Updates that are enough, 0 or more.
    deadline_s
        Longest round [s]; inf for none.

    Examples
    --------
    >>> kept([30.0, 10.0, 20.0, 90.0], 3, 60.0), kept([30.0, 10.0, 20.0, 90.0], 2, 60.0)
    ([1, 2, 0], [1, 2])
    """
    order = np.argsort(durations, kind="stable").tolist()
    return [c for c in order if durations[c] <= deadline_s and durations[c] < np.inf][:wanted]


def simulate_round(durations: Sequence[float], wanted: int, deadline_s: float) -> Ended:
    """Return whom a round keeps, how long it takes, and the work that it throws away.

    Parameters
    ----------
    durations, wanted, deadline_s
        As for `kept`; wanted is 1 or more.

    Examples
    --------
    >>> simulate_round([30.0, 10.0, 20.0, 90.0], 2, 60.0)
    {'kept': [1, 2], 'round_s': 20.0, 'wasted_s': 40.0}
    """
    used = kept(durations, wanted, deadline_s)
    round_s = float(durations[used[-1]] if len(used) == wanted else deadline_s)
    # Nobody else was done before: the fastest are kept, and those in time unless there are enough.
    wasted_s = (len(durations) - len(used)) * round_s
    return Ended(kept=used, round_s=round_s, wasted_s=wasted_s)


def staleness_weight(staleness: npt.ArrayLike, a: float) -> npt.NDArray[np.float64]:
    """Return ``(1 + staleness) ** -a``, of the shape of staleness.

    Parameters
    ----------
    staleness
        Changes of the server's weights since a client was sent them, 0 or more.
    a
        0 counts late updates in full; the larger, the less they count.

    Examples
    --------
    >>> staleness_weight([0, 3], 0.5).tolist()
    [1.0, 0.5]
    """
    return np.asarray((1.0 + np.asarray(staleness, np.float64)) ** -a)
