"""Puts the functions of exercise 3.1 to work: gradients for them, and a server that calls them.

Gradients are computed in float64 and rounded once, so that what is left between two ways of adding
them up is the rounding of those ways. Here is no training loop: that is `labs.federated_learning.
loop`, and no average: that is the student's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from labs.federated_learning.loop import FedAvg, Return
from labs.federated_learning.tasks import Task

Floats = NDArray[np.float32]
Positions = NDArray[np.int64]
EPSILON = 2.0**-24  # largest relative error of one rounding to float32


@dataclass(frozen=True, eq=False)
class Regression:
    """Least squares: gradients that are easy to follow.

    Not beside the check that serves them: what judges cannot be called by student code.

    Parameters
    ----------
    x, y
        (n, size) and (n,): what a sample is, and what should come out.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]

    def gradient(self, weights: Any, batch: Any) -> Floats:
        """Return the gradient of half the mean squared error of some samples, (size,).

        Parameters
        ----------
        weights
            (size,), any type.
        batch
            Positions of the samples.

        Raises
        ------
        AssertionError
            If the weights have another shape.
        """
        held = np.asarray(weights, np.float64)
        if held.shape != self.x.shape[1:]:
            raise AssertionError(
                f"a gradient was asked for at weights of shape {held.shape}; they have "
                f"{len(self.x[0])}"
            )
        rows = self.x[np.asarray(batch)]
        off = rows @ held - self.y[np.asarray(batch)]
        result: Floats = (rows.T @ off / len(rows)).astype(np.float32)
        return result


def gradient_function(task: Task) -> Callable[[Floats, Positions], Floats]:
    """Return ``gradient_of(weights, batch)`` for a task: that of the mean loss of some samples.

    Parameters
    ----------
    task
        Samples and network; `batch` holds positions of its training samples.
    """

    def gradient_of(weights: Floats, batch: Positions) -> Floats:
        held = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
        places = torch.as_tensor(batch)
        loss = functional.cross_entropy(task.network(held, task.x[places].double()), task.y[places])
        (gradient,) = torch.autograd.grad(loss, held)
        return gradient.numpy().astype(np.float32)

    return gradient_of


def library_training(
    task: Task, weights: Floats, *, batches: Sequence[Positions], learning_rate: float
) -> Floats:
    """Return the weights after plain SGD on some batches, by `torch.optim.SGD` in float32.

    Parameters
    ----------
    task
        Samples and network.
    weights
        (size,), the first ones; they stay as they are.
    batches
        Positions of each step's samples.
    learning_rate
        Of every step.
    """
    held = nn.Parameter(torch.tensor(weights))
    optimizer = torch.optim.SGD([held], lr=learning_rate)
    for batch in batches:
        places = torch.as_tensor(batch)
        optimizer.zero_grad()
        loss = functional.cross_entropy(task.network(held, task.x[places]), task.y[places])
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        optimizer.step()
    result: Floats = held.detach().numpy()
    return result


def rounding_bound(
    weights: Floats, *, changes: Sequence[Floats], samples: Sequence[int]
) -> NDArray[np.float64]:
    """Return by how much a round of single steps may differ from one step on all samples.

    A client's gradient, the step's length times it (two roundings, one for the rate itself), and
    its new weight are rounded, then the average; so are gradient, step and weight of the one step.
    Each costs at most `EPSILON` of what is rounded, and averages keep the bound.

    Parameters
    ----------
    weights
        (size,), before the round.
    changes
        (clients, size): learning rate times gradient, of each client.
    samples
        Of each client.
    """
    shares = np.asarray(samples, np.float64) / np.sum(samples)
    change = shares @ np.abs(np.asarray(changes, np.float64))
    largest = np.abs(np.asarray(weights, np.float64)) + change
    # 3 roundings of the change on either side, 1 of a weight here, 2 there; a hundredth of it is
    # far more than the products of roundings and what float64 leaves.
    bound: NDArray[np.float64] = 1.01 * EPSILON * (6 * change + 3 * largest)
    return bound


def relative_difference(a: Floats, b: Floats, *, start: Floats) -> float:
    """Return the largest difference between two results over the largest change from the start.

    Parameters
    ----------
    a, b
        (size,), weights after the same training by two ways.
    start
        (size,), before it.
    """
    change = float(np.abs(np.asarray(b, np.float64) - start).max())
    return float(np.abs(np.asarray(a, np.float64) - b).max()) / change


class Averaging(FedAvg):
    """The server with a function of exercise 3.1 in the place of its own average.

    Parameters
    ----------
    federated_round
        ``federated_round(weights, train, *, samples)`` on NumPy arrays.
    """

    def __init__(self, federated_round: Callable[..., Any]) -> None:
        self._federated_round = federated_round

    def aggregate(self, weights: Tensor, returned: Sequence[Return]) -> Tensor:
        """Return the weights of the next round, (size,), as the function averages them."""
        ordered = sorted(returned, key=lambda each: each.client)

        def train(client: int, _: Floats) -> Floats:
            result: Floats = ordered[client].weights.numpy().copy()
            return result

        samples = [each.samples for each in ordered]
        new = self._federated_round(weights.numpy().copy(), train, samples=samples)
        return torch.from_numpy(np.asarray(new, np.float32))
