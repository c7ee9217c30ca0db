"""Stand-in for exercise 8.5: all pairs of configurations compared at once."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["sort_out"]


def sort_out(low: npt.ArrayLike, high: npt.ArrayLike, better: Sequence[str]) -> list[str]:
    """Return for each configuration whether it is surely, possibly or not on the Pareto front.

    Parameters
    ----------
    low, high
        (configurations, quantities): ends of the intervals.
    better
        ``higher`` or ``lower``, one a quantity.
    """
    sign = np.array([{"higher": 1.0, "lower": -1.0}[way] for way in better])
    ends = np.sort(np.stack([np.asarray(low) * sign, np.asarray(high) * sign]), axis=0)
    surely = _beats(ends[0], ends[1]).any(axis=0)
    possible = _beats(ends[1], ends[0])
    np.fill_diagonal(possible, val=False)
    names = np.where(surely, "dominated", np.where(possible.any(axis=0), "possibly", "surely"))
    return [str(name) for name in names]


def _beats(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return whether row i of the first is nowhere worse than row j of the second, and better."""
    a, b = one[:, None], other[None]
    return np.asarray((a >= b).all(axis=2) & (a > b).any(axis=2))
