"""Averages that some wrong updates cannot carry away, and the server that uses one.

The median and the trimmed mean look at one weight at a time (Yin and others, 2018), Krum at whole
updates (Blanchard and others, 2017). All need to see single updates, which a secure sum hides.
None knows who attacks; that is what they cost when nobody does.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from labs.federated_learning.loop import FedAvg, Return

Updates = NDArray[np.float64]


class Robust(FedAvg):
    """A server that combines the updates of a round by a function, all clients alike.

    Samples do not weigh here: an attacker would claim a million. An update with a number that is
    not finite is left out, since a single NaN survives every average; if the function then has too
    few (a ValueError), the round changes nothing.

    Parameters
    ----------
    combine
        Makes one update (size,) out of those of a round (clients, size), float64.

    Attributes
    ----------
    refused
        Updates left out so far.
    """

    def __init__(self, combine: Callable[[Updates], Updates]) -> None:
        self.combine = combine
        self.refused = 0

    def aggregate(self, weights: Tensor, returned: Sequence[Return]) -> Tensor:
        """Return the weights of the next round, (size,); the same if too few updates are finite."""
        ordered = sorted(returned, key=lambda each: each.client)
        stacked = torch.stack([each.weights for each in ordered]).double() - weights.double()
        finite = stacked.isfinite().all(1)
        self.refused += int((~finite).sum())
        if not finite.any():
            return weights
        try:
            combined = np.asarray(self.combine(stacked[finite].numpy()), np.float64)
        except ValueError:
            if finite.all():
                raise
            return weights
        return (weights.double() + torch.from_numpy(combined)).to(weights.dtype)


def coordinate_median(updates: Updates) -> Updates:
    """Return the median of each column, (size,); of an even number the mean of the middle two.

    Parameters
    ----------
    updates
        (clients, size), >= 1 client.

    Examples
    --------
    >>> coordinate_median(np.array([[1.0, 5.0], [2.0, 6.0], [900.0, -900.0]])).tolist()
    [2.0, 5.0]
    """
    ordered = np.sort(updates, axis=0)
    clients = len(ordered)
    middle: Updates = (ordered[(clients - 1) // 2] + ordered[clients // 2]) / 2
    return middle


def trimmed_mean(updates: Updates, trim: int) -> Updates:
    """Return the mean of each column without its `trim` smallest and `trim` largest numbers.

    Parameters
    ----------
    updates
        (clients, size).
    trim
        0 or more, fewer than half of the clients.

    Raises
    ------
    ValueError
        If nothing would be left, or trim is negative.

    Examples
    --------
    >>> trimmed_mean(np.array([[1.0], [2.0], [4.0], [900.0]]), 1).tolist()
    [3.0]
    """
    clients = len(updates)
    if not 0 <= 2 * trim < clients:
        most = (clients - 1) // 2
        raise ValueError(f"trim is {trim} of {clients} updates at each end; give 0 to {most}")
    kept: Updates = np.sort(updates, axis=0)[trim : clients - trim].mean(axis=0)
    return kept


def krum_scores(updates: Updates, byzantine: int) -> Updates:
    """Return each update's sum of squared distances to its nearest ``n - byzantine - 2`` others.

    Parameters
    ----------
    updates
        (n, size).
    byzantine
        How many of them may be wrong, 0 or more.

    Raises
    ------
    ValueError
        If n is below ``2 * byzantine + 3``: wrong updates could then outvote right ones.
    """
    clients = len(updates)
    if byzantine < 0 or clients < 2 * byzantine + 3:
        raise ValueError(
            f"{clients} updates of which {byzantine} may be wrong; Krum needs 2 x {byzantine} + 3, "
            "and no negative number"
        )
    scores = np.empty(clients)
    for client, own in enumerate(updates):
        squared = ((np.delete(updates, client, axis=0) - own) ** 2).sum(axis=1)
        scores[client] = np.sort(squared)[: clients - byzantine - 2].sum()
    return scores


def krum(updates: Updates, byzantine: int) -> int:
    """Return which update lies closest to its neighbours; of equals the first.

    Parameters
    ----------
    updates, byzantine
        As for `krum_scores`.

    Examples
    --------
    >>> krum(np.array([[0.0], [1.0], [2.5], [90.0], [3.5]]), 1)
    1
    """
    return int(np.argmin(krum_scores(updates, byzantine)))
