"""What the strategies that share out state have in common: the loop, and what each rank holds.

Each rank takes its own part of the batch, as in data parallelism; what differs is who keeps which
weights, gradients and moments, and that stands in the module named after the strategy.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.distributed.tensor import DTensor

from labs.gpu_training import devices
from labs.gpu_training.counting.collectives import Counter
from labs.gpu_training.strategies.data_parallel import mean_over_ranks, own_part
from labs.gpu_training.workload import Weights, Workload, loss_of


@dataclass(frozen=True)
class Spread:
    """A network that is spread over the ranks.

    Parameters
    ----------
    network
        What to call with a batch.
    update
        Turns the gradients of this rank's loss into new weights.
    clear
        Makes the gradients 0 or nothing before the next batch.
    weights
        Returns all weights by name; every rank calls it at the same time.
    held_bytes
        Returns what this rank holds between two steps, by ``weights``, ``gradients`` and
        ``optimizer``.
    """

    network: Callable[[torch.Tensor], torch.Tensor]
    update: Callable[[], None]
    clear: Callable[[], None]
    weights: Callable[[], Weights]
    held_bytes: Callable[[], dict[str, int]]


def run(workload: Workload, setup: Callable[[nn.Module], Spread]) -> dict[str, Any]:
    """Train in a rank and return what it did; the ranks of the process group do the same.

    Parameters
    ----------
    workload
        Its batch is a multiple of the ranks; each rank takes as many sequences.
    setup
        Spreads the network, which is the same on every rank.

    Returns
    -------
    dict
        ``weights`` (all of them), ``losses`` (mean over ranks), ``step_s``, and of the last step
        ``held_bytes`` and ``payload_bytes``, the latter by collective as
        `labs.gpu_training.counting.collectives` counts it.
    """
    device = devices.local()
    spread = setup(workload.model().to(device))
    counter = Counter()
    losses, step_s = [], []
    for step in range(workload.steps):
        x, y = (own_part(codes).to(device) for codes in workload.batch_of(step))
        devices.synchronize()
        start_s = time.perf_counter()
        # Counting slows a step down, so the last one alone is counted.
        with counter if step == workload.steps - 1 else nullcontext():
            spread.clear()
            loss = loss_of(spread.network, x, targets=y)
            torch.autograd.backward(loss)
            spread.update()
        devices.synchronize()
        step_s.append(time.perf_counter() - start_s)
        losses.append(loss.detach())
    return {
        "weights": spread.weights(),
        "losses": mean_over_ranks(torch.stack(losses)).tolist(),
        "step_s": step_s,
        "held_bytes": spread.held_bytes(),
        "payload_bytes": dict(counter.tally.payload_bytes),
    }


def held_bytes(
    parameters: Iterable[torch.Tensor], optimizer: torch.optim.Optimizer
) -> dict[str, int]:
    """Return what this rank holds of parameters, their gradients and moments [B].

    Parameters
    ----------
    parameters
        Whole tensors, or tensors that know that they are split over ranks.
    optimizer
        Holds tensors for some or all of them; the number of its step does not count.
    """
    held = list(parameters)
    moments = [
        value
        for state in optimizer.state.values()
        for name, value in state.items()
        if name != "step" and isinstance(value, torch.Tensor)
    ]
    return {
        "weights": sum(map(local_bytes, held)),
        "gradients": sum(local_bytes(p.grad) for p in held if p.grad is not None),
        "optimizer": sum(map(local_bytes, moments)),
    }


def local_bytes(tensor: torch.Tensor) -> int:
    """Return the size of a tensor, or of this rank's part of it [B].

    Examples
    --------
    >>> local_bytes(torch.zeros(3, 5))
    60
    """
    own = tensor.to_local() if isinstance(tensor, DTensor) else tensor
    return own.numel() * own.element_size()
