"""A pipeline that runs an order of forwards and backwards as it is given, and says when each ran.

One stage a rank. A forward takes what the stage before sent, a backward the gradient that the stage
behind sent; sending never waits. `gpipe` and `one_forward_one_backward` leave the same to torch.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import distributed as dist
from torch.nn import functional

from labs.gpu_training import devices
from labs.gpu_training.strategies import stages
from labs.gpu_training.strategies.stages import Stage
from labs.gpu_training.workload import Workload
from labs.shared.transformer import SIZES

Order = Sequence[tuple[str, int]]
Event = tuple[str, int, float, float]  # kind, micro-batch, start [s], end [s]


def train(workload: Workload, *, order: Sequence[Order], micro_batches: int) -> dict[str, Any]:
    """Train with one stage on each rank, inside a launch.

    Parameters
    ----------
    workload
        The job; the micro-batches divide its batch.
    order
        For each stage what it does in one step, ``("F", m)`` and ``("B", m)``.
    micro_batches
        Parts of the batch.

    Returns
    -------
    dict
        ``weights`` (whole, on rank 0), ``losses``, ``step_s``, ``events`` (for each step kind,
        micro-batch, start and end [s] of what this rank computed, by a clock that all processes of
        a machine share) and ``sent_bytes`` of one step.

    Raises
    ------
    ValueError
        If batch, stages or order do not fit.
    """
    rank, ranks = dist.get_rank(), dist.get_world_size()
    stages.check(workload, micro_batches=micro_batches)
    if len(order) != ranks:
        raise ValueError(f"the order is for {len(order)} stages; there are {ranks} ranks")
    stage = stages.build(workload, rank=rank, stages=ranks).to(devices.local())
    optimizer = workload.optimizer(stage)
    # One group for each direction: what waits to be sent one way never holds up the other.
    down, up = dist.new_group(), dist.new_group()
    losses, step_s, events = [], [], []
    flow = None
    for step in range(workload.steps):
        parts = [part.to(devices.local()).chunk(micro_batches) for part in workload.batch_of(step)]
        dist.barrier()
        start_s = time.perf_counter()
        optimizer.zero_grad()
        flow = _Flow(stage, parts, (down, up), _shape(workload, micro_batches))
        for kind, micro_batch in order[rank]:
            flow.forward(micro_batch) if kind == "F" else flow.backward(micro_batch)
        flow.finish()
        optimizer.step()
        devices.synchronize()
        step_s.append(time.perf_counter() - start_s)
        losses.append(flow.loss)
        events.append(flow.events)
    weights, losses = stages.gathered(stage, losses)
    sent = flow.sent_bytes if flow is not None else 0
    result = {"weights": weights, "losses": losses, "step_s": step_s}
    return result | {"events": events, "sent_bytes": sent}


def _shape(workload: Workload, micro_batches: int) -> tuple[int, int, int]:
    size = SIZES[workload.size]
    return workload.batch // micro_batches, size.context, size.width


@dataclass
class _Flow:
    """What one stage does in one step."""

    stage: Stage
    parts: Sequence[Sequence[torch.Tensor]]  # codes and targets of each micro-batch
    groups: tuple[Any, Any]  # of what goes down to the next stage, and of what comes up again
    shape: tuple[int, int, int]
    loss: float = 0.0
    sent_bytes: int = 0
    events: list[Event] = field(default_factory=list)
    held: dict[int, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)
    sending: list[tuple[Any, torch.Tensor]] = field(default_factory=list)

    @property
    def is_first(self) -> bool:
        return dist.get_rank() == 0

    @property
    def is_last(self) -> bool:
        return dist.get_rank() == dist.get_world_size() - 1

    def forward(self, micro_batch: int) -> None:
        codes, targets = self.parts
        x = codes[micro_batch]
        if not self.is_first:
            x = self._receive(dist.get_rank() - 1, self.groups[0]).requires_grad_()
        start_s = _now_s()
        y = self.stage(x)
        if self.is_last:
            y = functional.cross_entropy(y.flatten(0, 1), targets[micro_batch].flatten())
            y = y / len(codes)
            self.loss += float(y.detach())
        self.events.append(("F", micro_batch, start_s, _now_s()))
        self.held[micro_batch] = (x, y)
        if not self.is_last:
            self._send(y.detach(), to=dist.get_rank() + 1, group=self.groups[0])

    def backward(self, micro_batch: int) -> None:
        x, y = self.held.pop(micro_batch)
        gradient = None
        if not self.is_last:
            gradient = self._receive(dist.get_rank() + 1, self.groups[1])
        start_s = _now_s()
        torch.autograd.backward(y, gradient)
        self.events.append(("B", micro_batch, start_s, _now_s()))
        if x.grad is not None:
            self._send(x.grad, to=dist.get_rank() - 1, group=self.groups[1])

    def finish(self) -> None:
        for work, _ in self.sending:
            work.wait()

    def _receive(self, source: int, group: Any) -> torch.Tensor:
        values = torch.empty(self.shape, device=devices.local())
        dist.recv(values, source, group=group)
        return values

    def _send(self, values: torch.Tensor, *, to: int, group: Any) -> None:
        values = values.contiguous()
        # Kept until the end of the step: what is being sent must not be freed.
        self.sending.append((dist.isend(values, to, group=group), values))
        self.sent_bytes += values.nbytes


def _now_s() -> float:
    if devices.local().type == "cuda":  # not the whole device: a message under way is no work
        torch.cuda.current_stream().synchronize()
    return time.perf_counter()
