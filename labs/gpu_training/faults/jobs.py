"""Trains with a fault that raises nothing and whose loss looks fine, and writes down what happened.

Runs in a rank. Five jobs: one is healthy, four have one fault each. All begin with the same
weights. Nothing here says which invariant finds a fault.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import distributed as dist
from torch.nn import functional

from labs.gpu_training import buckets, devices
from labs.gpu_training.strategies.data_parallel import gradients_of, mean_over_ranks
from labs.gpu_training.workload import Workload, loss_of, weights_of

HEALTHY, SHARD, DROPOUT, SUM, STALE = JOBS = (
    "healthy",
    "same shard",
    "shared dropout",
    "summed gradients",
    "stale bucket",
)
STALE_BUCKET = 1  # or the last one, where there are fewer
PROBE = 256  # ones that are dropped to see what the generator of masks does


def train_all(workload: Workload, *, bucket_bytes: int) -> dict[str, Any]:
    """Return what `train` returns, for every job in `JOBS`."""
    return {job: train(workload, job, bucket_bytes=bucket_bytes) for job in JOBS}


def train(workload: Workload, job: str, *, bucket_bytes: int) -> dict[str, Any]:
    """Train in a rank and return evidence.

    Parameters
    ----------
    workload
        What to train; its dropout is above 0.
    job
        One of `JOBS`.
    bucket_bytes
        A bucket holds no more, unless it holds one tensor alone.

    Returns
    -------
    dict
        ``weights``; ``losses``, means over the ranks; and of every step ``batches``, ``masks``,
        ``states`` (hashes of this rank's) and ``applied``, ``expected`` (norms a bucket).

    Raises
    ------
    ValueError
        If there is no such job.
    """
    if job not in JOBS:
        raise ValueError(f"job is {job!r}; give one of {', '.join(JOBS)}")
    model = workload.model().to(devices.local())
    optimizer = workload.optimizer(model)
    groups = buckets.of_parameters(list(model.parameters()), bucket_bytes)
    notes = _Notes()
    for step in range(workload.steps):
        x, y = _batch(workload, step, job=job)
        optimizer.zero_grad()
        with _masks_from(_dropout_seed(workload, step, job=job)):
            probe = torch.ones(PROBE, device=devices.local())
            notes.masks.append(_hash(functional.dropout(probe, workload.dropout)))
            loss = loss_of(model, x, targets=y)
            torch.autograd.backward(loss)
        _average(model, groups, job=job, notes=notes)
        optimizer.step()
        notes.batches.append(_hash(x))
        notes.states.append(_hash(*model.parameters()))
        notes.losses.append(float(mean_over_ranks(loss.detach())))
    return {"weights": weights_of(model), **notes.plain()}


@dataclass
class _Notes:
    batches: list[int] = field(default_factory=list)
    masks: list[int] = field(default_factory=list)
    states: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    applied: list[list[float]] = field(default_factory=list)
    expected: list[list[float]] = field(default_factory=list)
    before: torch.Tensor | None = None

    def plain(self) -> dict[str, Any]:
        names = ("batches", "masks", "states", "losses", "applied", "expected")
        return {name: getattr(self, name) for name in names}


def _batch(workload: Workload, step: int, *, job: str) -> tuple[torch.Tensor, ...]:
    part = 0 if job == SHARD else dist.get_rank()
    device, ranks = devices.local(), dist.get_world_size()
    return tuple(codes.chunk(ranks)[part].to(device) for codes in workload.batch_of(step))


def _dropout_seed(workload: Workload, step: int, *, job: str) -> int:
    rank = 0 if job == DROPOUT else dist.get_rank()
    state = np.random.SeedSequence((workload.seed, step, rank)).generate_state(1)
    return int(state[0])


@contextmanager
def _masks_from(seed: int) -> Iterator[None]:
    """Seed the generator that this device draws masks from; its old state comes back after."""
    device = devices.local()
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng([device] if on_gpu else []):
        own = torch.cuda.default_generators[device.index] if on_gpu else torch.default_generator
        own.manual_seed(seed)
        yield


def _average(model: torch.nn.Module, groups: list[list[int]], *, job: str, notes: _Notes) -> None:
    """Put into the gradients what the job takes for their mean, and note its norms."""
    gradients = gradients_of(model)
    notes.applied.append([])
    notes.expected.append([])
    for number, group in enumerate(groups):
        together = [gradients[index] for index in group]
        mean = mean_over_ranks(buckets.flatten(together))
        notes.expected[-1].append(float(mean.double().norm()))
        used = mean * dist.get_world_size() if job == SUM else mean
        if job == STALE and number == min(STALE_BUCKET, len(groups) - 1):
            used, notes.before = (mean if notes.before is None else notes.before), mean
        buckets.spread(used, together)
        notes.applied[-1].append(float(buckets.flatten(together).double().norm()))


def _hash(*tensors: torch.Tensor) -> int:
    value = 0
    for tensor in tensors:
        value = zlib.crc32(tensor.detach().cpu().numpy().tobytes(), value)
    return value
