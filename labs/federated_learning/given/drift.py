"""Stand-ins for the functions of exercise 3.4, from torch's optimisers and fused operations."""

import itertools
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

__all__ = ["client_steps", "fed_adam", "new_variate", "update_cosine"]
Array = NDArray[np.floating]


def update_cosine(updates: Array) -> float:
    """Return the mean cosine of all pairs of different clients' updates.

    Parameters
    ----------
    updates
        (clients, size), two clients or more.
    """
    rows = torch.tensor(np.asarray(updates, np.float64))
    pairs = [
        functional.cosine_similarity(rows[i], rows[j], dim=0)
        for i, j in itertools.combinations(range(len(rows)), 2)
    ]
    return float(torch.stack(pairs).mean())


def client_steps(
    gradient: Callable[[Array], Array],
    start: Array,
    *,
    steps: int,
    learning_rate: float,
    mu: float = 0.0,
    correction: Array | float = 0.0,
) -> Array:
    """Return a client's weights after steps of `torch.optim.SGD`.

    Parameters
    ----------
    gradient
        Returns the gradient of the client's loss at some weights, (size,).
    start
        The weights that the server sent, (size,).
    steps
        >= 1.
    learning_rate
        > 0.
    mu
        Pull towards ``start`` (FedProx).
    correction
        Added to each gradient (SCAFFOLD), (size,) or a number.
    """
    sent = torch.tensor(start)
    weights = torch.nn.Parameter(sent.clone())
    optimizer = torch.optim.SGD([weights], lr=learning_rate, foreach=False)
    for _ in range(steps):
        own = torch.as_tensor(np.asarray(gradient(weights.detach().numpy().copy())))
        pulled = own + mu * (weights.detach() - sent) + torch.as_tensor(correction)
        weights.grad = pulled.to(weights.dtype)
        optimizer.step()
    return np.asarray(weights.detach().numpy())


def new_variate(
    start: Array,
    end: Array,
    *,
    steps: int,
    learning_rate: float,
    variates: tuple[Array, Array],
) -> Array:
    """Return a client's new control variate: the mean of its own gradients over its steps.

    Parameters
    ----------
    start, end
        Weights before and after the client's steps, (size,).
    steps, learning_rate
        How many, and how long.
    variates
        The server's and the client's, (size,) each.
    """
    common, own = (torch.tensor(each) for each in variates)
    moved = torch.tensor(start) - torch.tensor(end)
    return np.asarray(torch.add(own - common, moved, alpha=1 / (steps * learning_rate)).numpy())


def fed_adam(
    weights: Array, update: Array, *, state: Mapping[str, Array], learning_rate: float
) -> tuple[Array, dict[str, Array]]:
    """Return weights and state after a step of Adam that is not corrected for its start.

    Parameters
    ----------
    weights, update
        The server's weights and the clients' average update, (size,).
    state
        The running means ``mean`` and ``square``, (size,) each.
    learning_rate
        Of the server.
    """
    change = torch.tensor(update)
    mean = torch.lerp(torch.tensor(state["mean"]), change, 0.1)
    square = torch.tensor(state["square"]).mul(0.99).addcmul(change, change, value=0.01)
    new = torch.tensor(weights).addcdiv(mean, square.sqrt() + 1e-3, value=learning_rate)
    return new.numpy(), {"mean": mean.numpy(), "square": square.numpy()}
