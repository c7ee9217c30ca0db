"""Data parallel, first way: after backward, one all-reduce a tensor."""

from typing import Any

import torch
from torch import distributed as dist
from torch import nn

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
        Not used here: every tensor travels alone.
    average
        Takes the place of our own sending; see `plugged`.
    """
    del bucket_bytes
    setup = _setup if average is None else plugged.after_backward(average, 0)
    return data_parallel.run(workload, setup)


def _setup(
    model: nn.Module, traffic: data_parallel.Traffic
) -> tuple[data_parallel.Network, data_parallel.Backward]:
    def to_gradients(loss: torch.Tensor) -> None:
        data_parallel.backward(loss)
        for gradient in data_parallel.gradients_of(model):
            traffic.all_reduce(gradient)
            gradient.div_(dist.get_world_size())

    return model, to_gradients
