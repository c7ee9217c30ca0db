"""Stand-ins for exercise 3.2, which ask the course's own modules, and SciPy for a distance."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import distance

from labs.federated_learning import label_skew, partitions

__all__ = ["deal_by_shares", "deal_shards", "skew"]

Positions = NDArray[np.int64]


def deal_shards(
    labels: NDArray[np.int64], order: NDArray[np.int64], per_client: int
) -> list[Positions]:
    """Return the parts of `labs.federated_learning.partitions.deal_shards`.

    Parameters
    ----------
    labels
        (n,).
    order
        (shards,): a permutation.
    per_client
        Shards of each client.
    """
    return partitions.deal_shards(np.asarray(labels), np.asarray(order), per_client)


def deal_by_shares(labels: NDArray[np.int64], shares: NDArray[np.float64]) -> list[Positions]:
    """Return the parts of `labs.federated_learning.partitions.deal_by_shares`.

    Parameters
    ----------
    labels
        (n,).
    shares
        (classes, clients), rows in the order of the classes' numbers.
    """
    return partitions.deal_by_shares(np.asarray(labels), np.asarray(shares))


def skew(labels: NDArray[np.int64], parts: Sequence[Positions]) -> float:
    """Return half the mean city-block distance of the clients' shares from those of all.

    Parameters
    ----------
    labels
        (n,).
    parts
        Positions of each client's samples.
    """
    labels = np.asarray(labels)
    counts = label_skew.class_counts(labels, [part for part in parts if len(part)])
    whole = label_skew.class_counts(labels, [np.arange(len(labels))])
    shares = counts / counts.sum(1, keepdims=True)
    return float(distance.cdist(shares, whole / len(labels), "cityblock").mean() / 2)
