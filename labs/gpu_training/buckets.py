"""Gradients that travel together: which ones, as one flat tensor, and back to their places.

A bucket is a list of indices into the parameters. Nothing here sends anything.
"""

from collections.abc import Sequence

import torch


def bucket(sizes_bytes: Sequence[int], limit_bytes: int) -> list[list[int]]:
    """Return indices in buckets, the last parameter first, as backward makes gradients ready.

    Parameters
    ----------
    sizes_bytes
        Of each gradient, in the order of the parameters.
    limit_bytes
        A bucket holds no more, unless it holds one gradient alone; 0 gives each its own.

    Examples
    --------
    >>> bucket([40, 30, 90, 20, 10], 60)
    [[4, 3], [2], [1], [0]]
    """
    buckets: list[list[int]] = []
    filled_bytes = 0
    for index in reversed(range(len(sizes_bytes))):
        if not buckets or filled_bytes + sizes_bytes[index] > limit_bytes:
            buckets.append([])
            filled_bytes = 0
        buckets[-1].append(index)
        filled_bytes += sizes_bytes[index]
    return buckets


def of_parameters(parameters: Sequence[torch.Tensor], limit_bytes: int) -> list[list[int]]:
    """Return the buckets of parameters, whose gradients are as large as they are."""
    return bucket([p.numel() * p.element_size() for p in parameters], limit_bytes)


def flatten(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return a copy of tensors of one type as a flat one, one after the other.

    Examples
    --------
    >>> flatten([torch.zeros(2, 2), torch.ones(1)])
    tensor([0., 0., 0., 0., 1.])
    """
    return torch.cat([tensor.flatten() for tensor in tensors])


def spread(flat: torch.Tensor, tensors: Sequence[torch.Tensor]) -> None:
    """Copy a flat tensor into tensors, the other way of `flatten`.

    Parameters
    ----------
    flat
        As many elements as the tensors have together.
    tensors
        Where they go, in place.

    Examples
    --------
    >>> place = torch.zeros(1, 2)
    >>> spread(torch.tensor([3.0, 4.0]), [place])
    >>> place
    tensor([[3., 4.]])
    """
    sizes = [tensor.numel() for tensor in tensors]
    for part, tensor in zip(torch.split(flat, sizes), tensors, strict=True):
        tensor.copy_(part.view_as(tensor))
