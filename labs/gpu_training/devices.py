"""Which device this process computes on, and how to wait until it is done."""

import os

import torch
from torch import distributed as dist

from labs.gpu_training.launching.launcher import choose_backend


def local() -> torch.device:
    """Return the device of this process: its own GPU, or the processor.

    In a rank the process group decides: with gloo, ranks share the cores even if a GPU is there.
    """
    if dist.is_initialized() and dist.get_backend() != "nccl":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cpu")


def synchronize() -> None:
    """Wait until the device has done all that it was given; a processor has, always."""
    if local().type == "cuda":
        torch.cuda.synchronize()


def describe(world_size: int) -> str:
    """Return one sentence on what the ranks of this notebook run on."""
    if choose_backend(world_size) == "nccl":
        return f"{world_size} ranks on {torch.cuda.get_device_name(0)} GPUs, connected by NCCL."
    where = f"{os.cpu_count()} cores, connected by gloo"
    return f"{world_size} ranks as processes on {where}; one process computes on {local().type}."
