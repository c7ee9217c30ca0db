"""A pipeline that takes turns of one forward and one backward (PipeDream, Narayanan et al., 2019).

In the form without stale weights: every step ends with all micro-batches done, as in GPipe.
"""

from typing import Any

from torch.distributed.pipelining import Schedule1F1B

from labs.gpu_training.strategies import library_pipeline
from labs.gpu_training.workload import Workload


def train(workload: Workload, *, micro_batches: int = 4) -> dict[str, Any]:
    """Train by torch's 1F1B schedule; as `labs.gpu_training.strategies.library_pipeline.train`."""
    return library_pipeline.train(workload, schedule=Schedule1F1B, micro_batches=micro_batches)
