"""Stand-ins for exercise 3.1: the library's optimiser, and an average by `numpy.average`."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

__all__ = ["client_update", "fed_avg", "federated_round"]

Floats = NDArray[np.float32]


def client_update(
    weights: Floats,
    batches: Sequence[Any],
    *,
    gradient_of: Callable[[Floats, Any], Floats],
    learning_rate: float,
) -> Floats:
    """Return the weights after a step a batch, by `torch.optim.SGD`.

    Parameters
    ----------
    weights
        (size,), float32.
    batches
        Whatever `gradient_of` takes.
    gradient_of
        ``gradient_of(weights, batch)``.
    learning_rate
        Of every step.
    """
    held = nn.Parameter(torch.tensor(weights))
    optimizer = torch.optim.SGD([held], lr=learning_rate)
    for batch in batches:
        held.grad = torch.as_tensor(gradient_of(held.detach().numpy().copy(), batch))
        optimizer.step()
    result: Floats = held.detach().numpy()
    return result


def fed_avg(returned: Sequence[Floats], samples: Sequence[int]) -> Floats:
    """Return the average by samples, (size,), float32.

    Parameters
    ----------
    returned
        (size,) of each client.
    samples
        Of each client.
    """
    stacked = np.asarray(returned, np.float64)
    result: Floats = np.average(stacked, axis=0, weights=samples).astype(np.float32)
    return result


def federated_round(
    weights: Floats, train: Callable[[int, Floats], Floats], *, samples: Sequence[int]
) -> Floats:
    """Return the weights after a round; clients without samples are left alone.

    Parameters
    ----------
    weights
        (size,), float32.
    train
        ``train(client, weights)`` returns the weights of a client.
    samples
        Of each client.
    """
    asked = np.flatnonzero(samples).tolist()
    returned = [train(client, weights) for client in asked]
    return fed_avg(returned, np.take(samples, asked).tolist()) if asked else weights
