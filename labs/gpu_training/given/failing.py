"""Stand-ins for exercises 2.16 and 2.17, by torch's own files and by whole gaps at once."""

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from labs.gpu_training.failing import Job

__all__ = ["checkpoint_interval_s", "goodput", "pack", "unpack"]


def pack(job: Job) -> NDArray[np.uint8]:
    """Return the state of a job as the bytes of `torch.save`."""
    file = io.BytesIO()
    torch.save(
        [
            *(part.state_dict() for part in (job.model, job.optimizer, job.scheduler)),
            job.generator.get_state(),
            (job.step, job.position),
        ],
        file,
    )
    return np.frombuffer(file.getvalue(), dtype=np.uint8)


def unpack(job: Job, packed: NDArray[np.uint8]) -> None:
    """Put a packed state into a job, by `torch.load`."""
    file = io.BytesIO(np.asarray(packed).tobytes())
    *states, generator, places = torch.load(file, weights_only=True)
    parts: list[Any] = [job.model, job.optimizer, job.scheduler]
    for part, state in zip(parts, states, strict=True):
        part.load_state_dict(state)
    job.generator.set_state(generator)
    job.step, job.position = places


def goodput(
    work_s: float, interval_s: float, save_s: float, restart_s: float, failures: Sequence[float]
) -> float:
    """Return useful over whole time, from how many saves fit between two failures."""
    left_s, start_s = work_s, 0.0
    for failure_s in [*failures, math.inf]:
        saves = math.ceil(left_s / interval_s) - 1
        end_s = start_s + left_s + saves * save_s
        if end_s <= failure_s:
            return work_s / end_s
        fit = max(0, math.floor((failure_s - start_s) / (interval_s + save_s)))
        left_s -= min(fit, saves) * interval_s
        start_s = failure_s + restart_s
    return 0.0


def checkpoint_interval_s(save_s: float, mtbf_s: float, ranks: int) -> float:
    """Return Young's interval [s].

    Parameters
    ----------
    save_s
        Time of a checkpoint.
    mtbf_s, ranks
        Mean time between failures of one rank, and their number; one failure stops all.
    """
    return math.sqrt(2 * save_s * mtbf_s / ranks)
