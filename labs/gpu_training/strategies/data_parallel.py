"""What the data-parallel strategies share: own part of the batch, same step, counted messages.

Every rank holds the whole network. A strategy is what happens between the loss and the optimiser:
it must leave the mean over the ranks in every gradient. How it does that stands in the module
named after it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import distributed as dist
from torch import nn
from torch.profiler import record_function

from labs.gpu_training import buckets, devices
from labs.gpu_training.workload import Workload, loss_of, weights_of

Network = Callable[[torch.Tensor], torch.Tensor]
Backward = Callable[[torch.Tensor], None]  # of a loss; leaves the mean over ranks in the gradients


@dataclass
class Traffic:
    """Sends and counts what one rank gives to its all-reduces.

    Parameters
    ----------
    messages, message_bytes
        All-reduces since `begin`, and the bytes of their tensors.
    exposed_s
        Time since `begin` in which this rank did nothing but wait for them; on a GPU, whose
        queue waits instead, it says nothing.
    steps
        Those three for each step that `end` has ended.
    """

    messages: int = 0
    message_bytes: int = 0
    exposed_s: float = 0.0
    steps: list[dict[str, float]] = field(default_factory=list)

    def begin(self) -> None:
        """Begin to count anew."""
        self.messages, self.message_bytes, self.exposed_s = 0, 0, 0.0

    def end(self) -> None:
        """Note the counts of a step in `steps`."""
        counted = {"messages": self.messages, "message_bytes": self.message_bytes}
        self.steps.append({**counted, "exposed_s": self.exposed_s})

    def count(self, tensor: torch.Tensor) -> None:
        """Count a message that somebody else sends."""
        self.messages += 1
        self.message_bytes += tensor.numel() * tensor.element_size()

    def start(self, tensor: torch.Tensor) -> dist.Work:
        """Begin to sum a tensor over the ranks, in place, and return what to wait for."""
        self.count(tensor)
        work: dist.Work = dist.all_reduce(tensor, async_op=True)
        return work

    def wait(self, work: dist.Work) -> None:
        """Wait for what `start` began."""
        start_s = time.perf_counter()
        work.wait()
        self.exposed_s += time.perf_counter() - start_s

    def all_reduce(self, tensor: torch.Tensor) -> None:
        """Sum a tensor over the ranks, in place."""
        self.wait(self.start(tensor))


Setup = Callable[[nn.Module, Traffic], tuple[Network, Backward]]


def run(workload: Workload, setup: Setup) -> dict[str, Any]:
    """Train in a rank and return what it did; the ranks of the process group do the same.

    Parameters
    ----------
    workload
        Its batch is a multiple of the ranks; each rank takes as many sequences.
    setup
        Given the network and the traffic, returns what to call with a batch, and with the loss.

    Returns
    -------
    dict
        ``weights``, ``losses`` (mean over ranks), ``step_s`` and, for every step, ``messages``,
        ``message_bytes``, ``exposed_s`` of this rank.
    """
    device = devices.local()
    model = workload.model().to(device)  # the seed makes it the same on every rank
    traffic = Traffic()
    network, to_gradients = setup(model, traffic)
    optimizer = workload.optimizer(model)
    losses, step_s = [], []
    for step in range(workload.steps):
        x, y = (own_part(codes).to(device) for codes in workload.batch_of(step))
        devices.synchronize()
        start_s = time.perf_counter()
        with record_function("step"):
            traffic.begin()
            optimizer.zero_grad()
            loss = loss_of(network, x, targets=y)
            to_gradients(loss)
            optimizer.step()
            devices.synchronize()
        step_s.append(time.perf_counter() - start_s)
        traffic.end()
        losses.append(loss.detach())
    mean_losses = mean_over_ranks(torch.stack(losses)).tolist()
    counts = {key: [counts[key] for counts in traffic.steps] for key in traffic.steps[0]}
    return {"weights": weights_of(model), "losses": mean_losses, "step_s": step_s, **counts}


def own_part(batch: torch.Tensor) -> torch.Tensor:
    """Return the sequences of this rank: the ranks share a batch out in order."""
    return batch.chunk(dist.get_world_size())[dist.get_rank()]


def mean_over_ranks(values: torch.Tensor) -> torch.Tensor:
    """Return the mean over the ranks, the same on each."""
    total = values.clone()
    dist.all_reduce(total)
    return total / dist.get_world_size()


def average_gradients(model: nn.Module) -> None:
    """Replace the gradients of this rank by their mean over all ranks, in one message."""
    gradients = gradients_of(model)
    buckets.spread(mean_over_ranks(buckets.flatten(gradients)), gradients)


def backward(loss: torch.Tensor) -> None:
    """Compute the gradients of this rank's loss; a profiler sees it as ``backward``."""
    with record_function("backward"):
        torch.autograd.backward(loss)


def gradients_of(model: nn.Module) -> list[torch.Tensor]:
    """Return the gradients of all parameters, in their order."""
    return [p.grad for p in model.parameters() if p.grad is not None]
