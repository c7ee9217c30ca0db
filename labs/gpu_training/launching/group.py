"""The process group of a rank: joining it, leaving it, and results as plain data.

The part of `labs.gpu_training.launching.rank` that needs torch. It chooses no backend: the launcher
does.
"""

import datetime
import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import distributed as dist

from labs.engine.codec import encode

__all__ = ["encode", "join", "leave"]

_LONGER_S = 60.0  # the launcher's time is up before that of a collective


def join(job: Mapping[str, Any]) -> None:
    """Enter the default process group that torchrun's variables describe.

    Parameters
    ----------
    job
        ``backend``, ``threads`` and ``timeout_s``.
    """
    device = None
    if job["backend"] == "nccl":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    else:
        torch.set_num_threads(job["threads"])
    timeout = datetime.timedelta(seconds=job["timeout_s"] + _LONGER_S)
    dist.init_process_group(job["backend"], timeout=timeout, device_id=device)


def leave() -> None:
    """Leave the process group; nothing if the function has left it already."""
    if dist.is_initialized():
        dist.destroy_process_group()
