"""Stand-ins for exercise 2.7: a sum that sends too much, and a fit by SciPy.

`ring_all_reduce` gives the right sum on every rank, but it is no ring all-reduce: whole arrays go
round, so each rank sends (N - 1) S bytes. Measured, it shows what the exercise saves.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize

__all__ = ["fit_alpha_beta", "ring_all_reduce"]

Floats = npt.NDArray[np.float32]


def ring_all_reduce(
    x: Floats,
    rank: int,
    ranks: int,
    send: Callable[[int, Floats], None],
    recv: Callable[[int], Floats],
) -> Floats:
    """Return the sum over all ranks: everybody's array visits every rank, each adds them up.

    Parameters
    ----------
    x
        (n,), of this rank.
    rank, ranks
        Which rank this is, and of how many.
    send, recv
        ``send(to, array)`` and ``recv(sender)``.
    """
    visitors = {rank: x}
    for hop in range(1, ranks):
        send((rank + 1) % ranks, visitors[(rank - hop + 1) % ranks])
        visitors[(rank - hop) % ranks] = recv((rank - 1) % ranks)
    total: Floats = np.sum([visitors[each] for each in range(ranks)], axis=0, dtype=np.float32)
    return total


def fit_alpha_beta(sizes: Any, times: Any, ranks: int) -> tuple[float, float]:
    """Return alpha [s] and beta [s/B] by `scipy.optimize.lsq_linear`, neither below 0.

    Parameters
    ----------
    sizes, times
        (k,) each [B], [s].
    ranks
        Of the measurement, >= 2.
    """
    sizes, times = np.asarray(sizes, dtype=float), np.asarray(times, dtype=float)
    share = 2 * (ranks - 1) / times
    # In units of 1 us and 1 ns a byte both columns are of ordinary size.
    columns = np.column_stack([1e-6 * share, 1e-9 * share * sizes / ranks])
    found = optimize.lsq_linear(columns, np.ones(len(times)), bounds=(0, np.inf)).x
    return float(found[0] * 1e-6), float(found[1] * 1e-9)
