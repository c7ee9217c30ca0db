"""Arrays as one flat array, and back: the part of data parallelism that is no idea, only work."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Arrays = Sequence[Array] | Mapping[int, Array]


def join(arrays: Arrays, group: Sequence[int]) -> Array:
    """Return some of several arrays as a flat one, one after the other.

    Parameters
    ----------
    arrays
        Of one dtype, a list, or a dict with indices as keys.
    group
        Indices of those that are joined, in this order; at least one.

    Examples
    --------
    >>> join([np.zeros((2, 2)), np.ones(1), np.ones((3, 3))], [1, 0])
    array([1., 0., 0., 0., 0.])
    """
    return np.concatenate([arrays[index].ravel() for index in group])


def cut(flats: Sequence[Array], groups: Sequence[Sequence[int]], *, like: Arrays) -> list[Array]:
    """Return the parts of flat arrays by their indices, the other way of `join`.

    Parameters
    ----------
    flats, groups
        One flat array a group; each index stands in one group.
    like
        Arrays that lend their shapes.

    Examples
    --------
    >>> like = [np.zeros((1, 2)), np.zeros(1), np.zeros(1)]
    >>> cut([np.array([1.0, 2.0]), np.array([3.0, 4.0])], [[2, 1], [0]], like=like)
    [array([[3., 4.]]), array([2.]), array([1.])]
    """
    parts: dict[int, Array] = {}
    for flat, group in zip(flats, groups, strict=True):
        ends = np.cumsum([like[index].size for index in group])
        for index, part in zip(group, np.split(flat, ends[:-1]), strict=True):
            parts[index] = part.reshape(like[index].shape)
    return [parts[index] for index in range(len(parts))]
