"""A pipeline in which each stage does all forwards, then all backwards (Huang et al., 2019)."""

from typing import Any

from torch.distributed.pipelining import ScheduleGPipe

from labs.gpu_training.strategies import library_pipeline
from labs.gpu_training.workload import Workload


def train(workload: Workload, *, micro_batches: int = 4) -> dict[str, Any]:
    """Train by torch's GPipe schedule; as `labs.gpu_training.strategies.library_pipeline.train`."""
    return library_pipeline.train(workload, schedule=ScheduleGPipe, micro_batches=micro_batches)
