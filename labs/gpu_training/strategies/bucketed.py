"""Data parallel, third way: after backward, one all-reduce a bucket of gradients.

It sends as much as the flat way, in more messages, and gains nothing yet. But a bucket could
leave before the others are filled: see `labs.gpu_training.strategies.overlapped`.
"""

from typing import Any

import torch
from torch import distributed as dist
from torch import nn

from labs.gpu_training import buckets
from labs.gpu_training.strategies import data_parallel, plugged
from labs.gpu_training.workload import Workload


def train(
    workload: Workload, *, bucket_bytes: int, average: plugged.Average | None = None
) -> dict[str, Any]:
    """Train in a rank; returns what `data_parallel.run` does.

    Parameters
    ----------
    workload
        What to train.
    bucket_bytes
        A bucket holds no more, unless it holds one tensor alone.
    average
        Takes the place of our own sending; see `plugged`.
    """
    if average is not None:
        return data_parallel.run(workload, plugged.after_backward(average, bucket_bytes))

    def setup(
        model: nn.Module, traffic: data_parallel.Traffic
    ) -> tuple[data_parallel.Network, data_parallel.Backward]:
        groups = buckets.of_parameters(list(model.parameters()), bucket_bytes)

        def to_gradients(loss: torch.Tensor) -> None:
            data_parallel.backward(loss)
            gradients = data_parallel.gradients_of(model)
            for group in groups:
                together = [gradients[index] for index in group]
                flat = buckets.flatten(together)
                traffic.all_reduce(flat)
                buckets.spread(flat / dist.get_world_size(), together)

        return model, to_gradients

    return data_parallel.run(workload, setup)
