"""A job that is trained on several ranks, killed in mid-step, and resumed from its checkpoints.

`train` and `resume_and_compare` run inside launched ranks. How a state is packed is handed in; how
packed states become files is in `labs.gpu_training.checkpoints`. Nothing here starts a process.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import distributed as dist
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from labs.gpu_training import checkpoints, devices, text
from labs.gpu_training.failing import Job
from labs.gpu_training.strategies.data_parallel import average_gradients
from labs.gpu_training.workload import Workload
from labs.shared.transformer import SIZES

Pack = Callable[[Job], Any]
Unpack = Callable[[Job, Any], None]


def text_job(workload: Workload, *, rank: int = 0, world_size: int = 1) -> Job:
    """Return a rank's part of a job that trains the lab's transformer on the lab's text.

    Parameters
    ----------
    workload
        Size, batch over all ranks, steps, learning rate and seed.
    rank, world_size
        Which part, of how many.
    """
    codes, _ = text.codes()
    generator = torch.Generator().manual_seed(1_000_003 * workload.seed + rank)
    return Job(
        workload.model().to(devices.local()),
        codes,
        workload.batch,
        SIZES[workload.size].context,
        generator,
        learning_rate=workload.learning_rate,
        horizon=10 * workload.steps,
        rank=rank,
        world_size=world_size,
    )


def train(
    workload: Workload,
    *,
    pack: Pack,
    unpack: Unpack,
    folder: str = "",
    every: int = 10,
    killed: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """Train inside a launched rank, from the newest whole checkpoint if there is one.

    Parameters
    ----------
    workload
        What to train; its batch is shared out over the ranks.
    pack, unpack
        From a job to plain data and back.
    folder
        Of the checkpoints, one file a rank; empty for none.
    every
        Steps between two checkpoints.
    killed
        Rank and step, from 0: there it kills itself after the backward pass.

    Returns
    -------
    dict
        ``weights``, ``losses`` (of this run), ``first_step``, ``saved`` (bytes) and ``save_s`` and
        ``step_s`` (seconds each).
    """
    rank, world_size = dist.get_rank(), dist.get_world_size()
    torch.use_deterministic_algorithms(True, warn_only=True)
    job = text_job(workload, rank=rank, world_size=world_size)
    place = {"rank": rank, "world_size": world_size}
    newest = checkpoints.newest(Path(folder), world_size=world_size) if folder else None
    if newest is not None:
        unpack(job, checkpoints.load(Path(folder), step=newest, **place))
    found: dict[str, Any] = {"losses": [], "save_s": [], "step_s": [], "saved": 0}
    found["first_step"] = job.step
    while job.step < workload.steps:
        average = _dying_average if killed == (rank, job.step) else average_gradients
        with sdpa_kernel(SDPBackend.MATH):  # the others are not the same in every run on a GPU
            seconds, losses = _timed(lambda: job.advance(1, average=average))  # noqa: B023 - at once
        found["step_s"].append(seconds)
        found["losses"] += losses
        if folder and job.step % every == 0:
            seconds, found["saved"] = _timed(lambda: _save(job, pack, folder=Path(folder)))
            found["save_s"].append(seconds)
    return found | {"weights": job.weights()}


def resume_and_compare(workload: Workload, **options: Any) -> dict[str, Any]:
    """Go on from the newest checkpoint, and train the same job undisturbed beside it.

    Parameters
    ----------
    workload
        As for `train`.
    options
        As for `train`.

    Returns
    -------
    dict
        What `train` returned, as ``resumed`` and ``undisturbed``.
    """
    resumed = train(workload, **options)
    return {"resumed": resumed, "undisturbed": train(workload, **options | {"folder": ""})}


def _dying_average(_: nn.Module) -> None:
    if hasattr(signal, "SIGKILL"):
        os.kill(os.getpid(), signal.SIGKILL)
    os.abort()  # where there are no signals


def _save(job: Job, pack: Pack, *, folder: Path) -> int:
    path = checkpoints.save(
        folder, pack(job), step=job.step, rank=job.rank, world_size=job.world_size
    )
    return path.stat().st_size


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    devices.synchronize()
    start_s = time.perf_counter()
    result = work()
    devices.synchronize()
    return time.perf_counter() - start_s, result
