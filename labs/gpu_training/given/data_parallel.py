"""Stand-ins for the functions of exercise 2.8, with torch's own flattening and splitting."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors

__all__ = ["average_gradients", "bucket", "overlapped_step"]

Array = NDArray[np.floating]
Ready = tuple[int, Array]


def bucket(sizes_bytes: Sequence[int], limit_bytes: int) -> list[list[int]]:
    """Return indices in buckets, the last tensor first.

    Parameters
    ----------
    sizes_bytes
        Of each tensor.
    limit_bytes
        A bucket holds no more, unless it holds one tensor alone.
    """
    numbers: dict[int, int] = {}
    number, filled_bytes = -1, limit_bytes
    for index in range(len(sizes_bytes) - 1, -1, -1):
        filled_bytes += sizes_bytes[index]
        if filled_bytes > limit_bytes or number < 0:
            number, filled_bytes = number + 1, sizes_bytes[index]
        numbers[index] = number
    return [list(group) for _, group in groupby(numbers, key=numbers.__getitem__)]


def average_gradients(
    gradients: Sequence[Array],
    all_reduce: Callable[[Array], Array],
    *,
    ranks: int,
    limit_bytes: int,
) -> list[Array]:
    """Return the mean of each gradient over the ranks, one message a bucket.

    Parameters
    ----------
    gradients
        Of this rank, in the order of the parameters.
    all_reduce
        Returns the sum of an array over the ranks.
    ranks
        How many there are.
    limit_bytes
        Of a bucket.
    """
    groups = bucket([gradient.nbytes for gradient in gradients], limit_bytes)
    sums = {number: all_reduce(_flat(gradients, group)) for number, group in enumerate(groups)}
    return _means(gradients, groups, sums=sums, ranks=ranks)


def overlapped_step(
    next_gradient: Callable[[], Ready | None],
    start: Callable[[Array], Any],
    *,
    wait: Callable[[Any], Array],
    buckets: Sequence[Sequence[int]],
    ranks: int,
) -> list[Array]:
    """Return the mean of each gradient over the ranks, sent while backward works on.

    Parameters
    ----------
    next_gradient
        Returns the next index and gradient, or None after the last.
    start, wait
        Begins an all-reduce and returns a ticket; returns the sum for a ticket.
    buckets
        Indices that travel together, in the order in which they do.
    ranks
        How many there are.
    """
    there: dict[int, Array] = {}
    tickets: list[Any] = []
    for index, gradient in iter(next_gradient, None):
        there[index] = gradient
        while len(tickets) < len(buckets) and all(i in there for i in buckets[len(tickets)]):
            tickets.append(start(_flat(there, buckets[len(tickets)])))
    sums = {number: wait(ticket) for number, ticket in enumerate(tickets)}
    return _means([there[i] for i in range(len(there))], buckets, sums=sums, ranks=ranks)


def _flat(gradients: Sequence[Array] | dict[int, Array], group: Sequence[int]) -> Array:
    tensors = [torch.from_numpy(np.array(gradients[index])) for index in group]
    return np.asarray(_flatten_dense_tensors(tensors).numpy())  # type: ignore[no-untyped-call]


def _means(
    gradients: Sequence[Array],
    groups: Sequence[Sequence[int]],
    *,
    sums: dict[int, Array],
    ranks: int,
) -> list[Array]:
    means = list(gradients)
    for number, group in enumerate(groups):
        like = [torch.from_numpy(np.array(gradients[index])) for index in group]
        flat = torch.from_numpy(np.array(sums[number])) / ranks
        parts = _unflatten_dense_tensors(flat, like)  # type: ignore[no-untyped-call]
        for index, part in zip(group, parts, strict=True):
            means[index] = part.numpy()
    return means
