"""A pipeline by `torch.distributed.pipelining`, one stage a rank; its schedule is an argument."""

import time
from typing import Any

import torch
from torch import distributed as dist
from torch.distributed.pipelining import PipelineStage
from torch.distributed.pipelining.schedules import PipelineScheduleSingle
from torch.nn import functional

from labs.gpu_training import devices
from labs.gpu_training.strategies import stages
from labs.gpu_training.workload import Workload


def train(
    workload: Workload, *, schedule: type[PipelineScheduleSingle], micro_batches: int
) -> dict[str, Any]:
    """Train with one stage on each rank, inside a launch.

    Parameters
    ----------
    workload
        The job; the micro-batches divide its batch.
    schedule
        A class of torch's.
    micro_batches
        Parts of the batch; torch's 1F1B wants at least as many as there are stages.

    Returns
    -------
    dict
        ``weights`` (whole, on rank 0), ``losses`` and ``step_s``.

    Raises
    ------
    ValueError
        If batch or stages do not fit.
    """
    rank, ranks = dist.get_rank(), dist.get_world_size()
    stages.check(workload, micro_batches=micro_batches)
    stage = stages.build(workload, rank=rank, stages=ranks).to(devices.local())
    optimizer = workload.optimizer(stage)
    piped = PipelineStage(stage, rank, ranks, devices.local())
    runs = schedule(piped, n_microbatches=micro_batches, loss_fn=_loss)
    losses, step_s = [], []
    for step in range(workload.steps):
        x, y = (part.to(devices.local()) for part in workload.batch_of(step))
        devices.synchronize()
        start_s = time.perf_counter()
        optimizer.zero_grad()
        pieces: list[torch.Tensor] = []
        takes = (x,) if rank == 0 else ()
        compares: dict[str, Any] = {"target": y, "losses": pieces} if rank == ranks - 1 else {}
        runs.step(*takes, **compares)
        optimizer.step()
        devices.synchronize()
        losses.append(sum(float(piece.detach()) for piece in pieces) / micro_batches)
        step_s.append(time.perf_counter() - start_s)
    weights, losses = stages.gathered(stage, losses)
    return {"weights": weights, "losses": losses, "step_s": step_s}


def _loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
