"""Data parallel, second way: after backward, one all-reduce for all gradients together."""

import sys
from typing import Any

import torch
from torch import distributed as dist
from torch import nn

from labs.gpu_training import buckets
from labs.gpu_training.strategies import data_parallel, plugged
from labs.gpu_training.workload import Workload


def train(
    workload: Workload, *, bucket_bytes: int = 0, average: plugged.Average | None = None
) -> dict[str, Any]:
    """Train in a rank; returns what `data_parallel.run` does.

    Parameters
    ----------
    workload
        What to train.
    bucket_bytes
        Not used here: all gradients travel together.
    average
        Takes the place of our own sending; see `plugged`.
    """
    del bucket_bytes
    setup = _setup if average is None else plugged.after_backward(average, sys.maxsize)
    return data_parallel.run(workload, setup)


def _setup(
    model: nn.Module, traffic: data_parallel.Traffic
) -> tuple[data_parallel.Network, data_parallel.Backward]:
    def to_gradients(loss: torch.Tensor) -> None:
        data_parallel.backward(loss)
        gradients = data_parallel.gradients_of(model)
        flat = buckets.flatten(gradients)
        traffic.all_reduce(flat)
        buckets.spread(flat / dist.get_world_size(), gradients)

    return model, to_gradients
