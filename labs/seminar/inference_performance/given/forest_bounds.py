"""Stand-in for exercise 6.6: all nodes within reach, one level of the tree after the other."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["score_bounds"]

Floats = npt.NDArray[np.float64]


def score_bounds(
    tree: dict[str, npt.NDArray[Any]], codes: npt.NDArray[Any]
) -> tuple[Floats, Floats]:
    """Return what a tree may add to the score of each class.

    Parameters
    ----------
    tree
        Arrays ``feature``, ``split``, ``left``, ``right`` and ``values``.
    codes
        (features,), the row.
    """
    front, leaves = np.zeros(1, dtype=np.int64), []
    while front.size:
        is_leaf = tree["feature"][front] < 0
        leaves.append(front[is_leaf])
        front = front[~is_leaf]
        sides = np.sign(codes[tree["feature"][front]] - tree["split"][front])
        front = np.concatenate([tree["left"][front[sides != 1]], tree["right"][front[sides != -1]]])
    ordered = np.sort(tree["values"][np.concatenate(leaves)], axis=0)
    return ordered[0], ordered[-1]
