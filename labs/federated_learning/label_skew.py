"""How unequal the classes and sizes of clients are, in numbers; who gets what is not decided here.

Small parts differ from the whole by chance alone, so compare with parts of the same sizes that were
drawn without looking at the classes (`chance`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labs.federated_learning.partitions import PartitionError

Labels = NDArray[np.int64]
Floats = NDArray[np.float64]
Parts = Sequence[NDArray[np.int64]]


def class_counts(labels: Labels, parts: Parts) -> NDArray[np.int64]:
    """Return the samples of each class at each client, (clients, classes).

    Parameters
    ----------
    labels
        (n,); a column for each of its different values, in ascending order.
    parts
        Positions of each client's samples; a part may be empty.
    """
    names, numbers = np.unique(labels, return_inverse=True)
    return np.stack([np.bincount(numbers[part], minlength=len(names)) for part in parts])


def sizes(parts: Parts) -> NDArray[np.int64]:
    """Return the samples of each client."""
    return np.array([len(part) for part in parts], dtype=np.int64)


def entropies_bits(labels: Labels, parts: Parts) -> Floats:
    """Return the entropy of each client's classes [bit]: 0 with one class, log2(k) with k alike.

    Parameters
    ----------
    labels
        (n,).
    parts
        Positions of each client's samples, >= 1 each.

    Raises
    ------
    PartitionError
        If a client has no sample.

    Examples
    --------
    >>> entropies_bits(np.array([0, 1, 1]), [np.array([0, 1]), np.array([2])]).tolist()
    [1.0, 0.0]
    """
    shares = _shares(labels, parts)
    logarithms = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.asarray(np.abs((shares * logarithms).sum(1)))


def total_variations(labels: Labels, parts: Parts) -> Floats:
    """Return how far each client's classes are from those of all samples, 0 (alike) to below 1.

    The total variation distance: half the sum of the absolute differences of the shares.

    Parameters
    ----------
    labels
        (n,).
    parts
        Positions of each client's samples, >= 1 each.

    Raises
    ------
    PartitionError
        If a client has no sample.
    """
    _, counts = np.unique(labels, return_counts=True)
    return np.asarray(np.abs(_shares(labels, parts) - counts / len(labels)).sum(1) / 2)


def skew(labels: Labels, parts: Parts) -> float:
    """Return the mean total variation distance over the clients that have samples.

    Parameters
    ----------
    labels
        (n,).
    parts
        Positions of each client's samples.

    Examples
    --------
    >>> skew(np.array([0, 0, 1, 1]), [np.array([0, 1]), np.array([2, 3])])
    0.5
    """
    return float(total_variations(labels, [part for part in parts if len(part)]).mean())


def chance(labels: Labels, parts: Parts, *, seed: int, draws: int = 20) -> float:
    """Return the mean skew of parts of the same sizes that were drawn without regard to classes.

    Parameters
    ----------
    labels
        (n,).
    parts
        Positions of each client's samples, together at most n.
    seed, draws
        Decide the draws, and how many.
    """
    rng = np.random.default_rng(seed)
    cuts = np.cumsum(sizes(parts))
    drawn = (np.split(rng.permutation(len(labels)), cuts)[:-1] for _ in range(draws))
    return float(np.mean([skew(labels, each) for each in drawn]))


def summary(labels: Labels, parts: Parts) -> dict[str, Any]:
    """Return what a partition is like, in five numbers.

    Parameters
    ----------
    labels
        (n,).
    parts
        Positions of each client's samples, >= 1 each.

    Raises
    ------
    PartitionError
        If a client has no sample.
    """
    each = sizes(parts)
    return {
        "clients": len(parts),
        "smallest": int(each.min()),
        "largest": int(each.max()),
        "entropy [bit]": float(entropies_bits(labels, parts).mean()),
        "skew": skew(labels, parts),
    }


def _shares(labels: Labels, parts: Parts) -> Floats:
    each = sizes(parts)
    if not each.all():
        empty = int(np.argmin(each))
        raise PartitionError(f"client {empty} has no sample; deal again, or leave it out")
    return np.asarray(class_counts(labels, parts) / each[:, None])
