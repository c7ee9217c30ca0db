"""One optimiser step on a batch that comes in pieces, and what that costs and changes.

- ``gradient_function``  a network as a function from a piece to its mean loss and gradients
- ``backward_in_pieces`` the loop as one would write it in torch, for measuring
- ``with_padding``       targets of which the ends do not count, as texts of different length have

What a piece is worth is decided in exercise 2.4; this module measures.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from labs.gpu_training.allocations import Allocations

IGNORED = -100  # a target that does not count, as torch's cross-entropy has it

Codes = NDArray[np.int64]
Gradients = list[NDArray[np.float32]]
Batch = tuple[torch.Tensor, torch.Tensor]


def mean_loss(model: Callable[[torch.Tensor], torch.Tensor], batch: Batch) -> torch.Tensor:
    """Return the mean cross-entropy [nat] of a model over the targets of a batch that count.

    Without any it is not a number, as torch has it: 0 / 0.
    """
    x, y = batch
    logits = model(x).flatten(0, 1)
    return functional.cross_entropy(logits, y.flatten(), ignore_index=IGNORED)


def gradient_function(
    model: nn.Module, device: torch.device | str = "cpu"
) -> Callable[[Codes, Codes], tuple[float, Gradients]]:
    """Return ``gradient_of(x, y)`` of a network: mean loss and the gradient of each parameter.

    Parameters
    ----------
    model
        Its gradients are used and emptied.
    device
        Where it lives.
    """

    def gradient_of(x: Codes, y: Codes) -> tuple[float, Gradients]:
        model.zero_grad()
        inputs, targets = (torch.as_tensor(np.asarray(part)).to(device) for part in (x, y))
        loss = mean_loss(model, (inputs, targets))
        torch.autograd.backward(loss)
        found = [p.grad for p in model.parameters() if p.grad is not None]
        gradients = [gradient.cpu().numpy().copy() for gradient in found]
        model.zero_grad()
        return float(loss.detach()), gradients

    return gradient_of


def backward_in_pieces(model: nn.Module, batch: Batch, *, size: int) -> float:
    """Add a whole batch's gradients to those of a model, in pieces of at most `size` sequences.

    Each piece's loss is the sum over its targets that count, over their number in the whole batch.

    Returns
    -------
    float
        The mean loss of the batch.
    """
    x, y = batch
    counted = int((y != IGNORED).sum())
    total = 0.0
    for first in range(0, len(x), size):
        piece, targets = x[first : first + size], y[first : first + size]
        logits = model(piece).flatten(0, 1)
        loss = functional.cross_entropy(
            logits, targets.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        torch.autograd.backward(loss / counted)
        total += float(loss.detach()) / counted
    return total


def with_padding(y: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Return a copy of targets, (batch, tokens), with the end of each sequence ignored.

    Where it ends is drawn evenly from 1 to all tokens, so each keeps one at least.
    """
    lengths = torch.from_numpy(rng.integers(1, y.shape[1] + 1, len(y)))
    places = torch.arange(y.shape[1])
    return torch.where(places[None] < lengths[:, None], y, torch.full_like(y, IGNORED))


def peak_bytes(model: nn.Module, batch: Batch, *, size: int) -> int:
    """Return the most that is alive above a model's weights, with a batch in pieces of `size`."""
    model.zero_grad()
    held = Allocations()
    with held:
        backward_in_pieces(model, batch, size=size)
    model.zero_grad()
    return held.peak_bytes


def relative_difference(these: Gradients, those: Gradients) -> float:
    """Return the largest difference of two gradients over the largest magnitude of the second.

    Examples
    --------
    >>> relative_difference([np.array([1.0, 2.0])], [np.array([1.0, 4.0])])
    0.5
    """
    worst = max(float(np.abs(a - b).max()) for a, b in zip(these, those, strict=True))
    return worst / max(float(np.abs(b).max()) for b in those)


def rounding_bound(counted: int, pieces: int) -> float:
    """Return how far a float32 gradient in pieces may be from that of the whole, relatively.

    A sum of n float32 numbers is right to n roundings of 2**-24 in the worst case and, as their
    signs are mixed, to some square roots of n as a rule (Higham, Accuracy and Stability of
    Numerical Algorithms, 4.2). Two sums are compared, each over `counted` tokens; each piece adds
    two roundings. Eight standard deviations are allowed.

    Examples
    --------
    >>> f"{rounding_bound(1024, 4):.1e}"
    '3.4e-05'
    """
    return 8 * (2 * math.sqrt(counted) + 2 * pieces) / 2**24
