"""What a server reads out of one client's message: the input of a dense layer.

For one sample, row i of the gradient of a dense layer's weights is the input times the gradient of
bias i. The division itself is an exercise; here are the messages that it is tried on, and how far
what it finds is from the nearest of the client's samples. A network that begins with a convolution
gives away less directly, by attacks that search for an input (Zhu and others, 2019); none is here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import grad
from torch.nn import functional

from labs.federated_learning.networks import Network
from labs.federated_learning.tasks import Task

Floats = NDArray[np.float32]
Reconstruct = Callable[[Floats, Floats], NDArray[np.floating]]
Message = Callable[..., Tensor]
HIDDEN = 64
LOCAL_STEPS, CLIENTS = 5, 10
LEARNING_RATE = 0.1
NOISE_MULTIPLIER = 0.01


@dataclass(frozen=True, eq=False)
class Victim:
    """A network that begins with a dense layer, and the weights that a client was sent.

    Parameters
    ----------
    network
        What clients train.
    weights
        (size,).
    """

    network: Network
    weights: Tensor

    def gradient(self, x: Tensor, y: Tensor, *, weights: Tensor | None = None) -> Tensor:
        """Return the gradient of the samples' mean loss, (size,).

        Parameters
        ----------
        x, y
            Samples and their classes.
        weights
            Where it is taken; without them, at those that were sent.
        """

        def loss(at: Tensor) -> Tensor:
            return functional.cross_entropy(self.network(at, x), y)

        found: Tensor = grad(loss)(self.weights if weights is None else weights)
        return found

    def first_layer(self, message: Tensor) -> tuple[Floats, Floats]:
        """Return the part of a message about the first layer: weights (hidden, inputs), biases."""
        weight, bias, *_ = self.network.state(message).values()
        return weight.numpy(), bias.numpy()


def victim(task: Task, *, seed: int) -> Victim:
    """Return a network of two dense layers for a task's samples, with fresh weights.

    Parameters
    ----------
    task
        Whose samples it takes, whatever their shape.
    seed
        Of the weights.
    """
    inputs = task.x[0].numel()

    def build() -> nn.Module:
        return nn.Sequential(
            nn.Flatten(), nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, task.classes)
        )

    network = Network(build)
    return Victim(network, network.initial(seed))


def of_one(victim: Victim, x: Tensor, *, y: Tensor, rng: np.random.Generator) -> Tensor:  # noqa: ARG001 - others draw
    """Return the gradient of the first sample alone."""
    return victim.gradient(x[:1], y[:1])


def clipped(victim: Victim, x: Tensor, *, y: Tensor, rng: np.random.Generator) -> Tensor:
    """Return the gradient of the first sample, scaled to a tenth of its length.

    Parameters
    ----------
    victim, x, y, rng
        As for every message of `MESSAGES`: network, samples, their classes, and what draws noise.
    """
    return of_one(victim, x, y=y, rng=rng) / 10


def noisy(victim: Victim, x: Tensor, *, y: Tensor, rng: np.random.Generator) -> Tensor:
    """Return the gradient of the first sample with Gaussian noise on each number.

    The noise has a standard deviation of a hundredth of the whole gradient's length.

    Parameters
    ----------
    victim, x, y, rng
        As for every message of `MESSAGES`: network, samples, their classes, and what draws noise.
    """
    message = of_one(victim, x, y=y, rng=rng)
    noise = torch.from_numpy(rng.standard_normal(len(message))).float()
    spread = NOISE_MULTIPLIER * float(torch.linalg.vector_norm(message))
    return message + spread * noise


def steps_on_one(victim: Victim, x: Tensor, *, y: Tensor, rng: np.random.Generator) -> Tensor:  # noqa: ARG001 - others draw
    """Return the update of some steps of SGD on the first sample alone."""
    return _steps(victim, [(x[:1], y[:1])] * LOCAL_STEPS)


def steps_on_several(victim: Victim, x: Tensor, *, y: Tensor, rng: np.random.Generator) -> Tensor:  # noqa: ARG001 - others draw
    """Return the update of as many steps, each on a sample of its own."""
    return _steps(victim, [(x[n : n + 1], y[n : n + 1]) for n in range(LOCAL_STEPS)])


def sum_of_clients(victim: Victim, x: Tensor, *, y: Tensor, rng: np.random.Generator) -> Tensor:  # noqa: ARG001 - others draw
    """Return the sum of the gradients of several clients with a sample each."""
    return CLIENTS * victim.gradient(x[:CLIENTS], y[:CLIENTS])


MESSAGES: dict[str, Message] = {
    "gradient of one sample": of_one,
    "the same, clipped": clipped,
    f"{LOCAL_STEPS} steps on one sample": steps_on_one,
    f"{LOCAL_STEPS} steps, {LOCAL_STEPS} samples": steps_on_several,
    "clipped, with noise": noisy,
    f"secure sum of {CLIENTS} clients": sum_of_clients,
}


def _steps(victim: Victim, samples: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    weights = victim.weights
    for x, y in samples:
        weights = weights - LEARNING_RATE * victim.gradient(x, y, weights=weights)
    return weights - victim.weights


def error(found: NDArray[np.floating], originals: Tensor) -> float:
    """Return the root of the mean squared difference to the nearest of some samples.

    Parameters
    ----------
    found
        (inputs,).
    originals
        (samples, ...), each with as many numbers.
    """
    flat = originals.flatten(1).numpy().astype(np.float64)
    return float(np.sqrt(((flat - np.asarray(found, np.float64).ravel()) ** 2).mean(1)).min())


def by_batch(
    reconstruct: Reconstruct, task: Task, *, sizes: Sequence[int], draws: int, seed: int
) -> dict[int, list[float]]:
    """Return the error of what is found in the mean gradient of a batch, by size, for each draw.

    Parameters
    ----------
    reconstruct
        From the gradients of weights and biases to an input.
    task
        Whose training samples are drawn.
    sizes
        Of the batches, each >= 1.
    draws
        Batches of each size.
    seed
        Of weights and draws.
    """
    attacked, rng = victim(task, seed=seed), np.random.default_rng(seed)
    errors: dict[int, list[float]] = {size: [] for size in sizes}
    for size in sizes:
        for _ in range(draws):
            places = rng.choice(len(task.y), size, replace=False)
            message = attacked.gradient(task.x[places], task.y[places])
            errors[size].append(error(reconstruct(*attacked.first_layer(message)), task.x[places]))
    return errors


def by_message(
    reconstruct: Reconstruct, task: Task, *, draws: int, seed: int
) -> dict[str, list[float]]:
    """Return the error of what is found in each kind of `MESSAGES`, for each draw.

    Parameters
    ----------
    reconstruct
        From the gradients of weights and biases to an input.
    task
        Whose training samples are drawn.
    draws
        Sets of samples; all messages are made of the same ones.
    seed
        Of weights, draws and noise.
    """
    attacked, rng = victim(task, seed=seed), np.random.default_rng(seed)
    errors: dict[str, list[float]] = {name: [] for name in MESSAGES}
    for _ in range(draws):
        places = rng.choice(len(task.y), max(LOCAL_STEPS, CLIENTS), replace=False)
        x, y = task.x[places], task.y[places]
        for name, make in MESSAGES.items():
            found = reconstruct(*attacked.first_layer(make(attacked, x, y=y, rng=rng)))
            errors[name].append(error(found, x))
    return errors
