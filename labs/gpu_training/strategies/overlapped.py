"""Data parallel, fourth way: a bucket leaves while backward still works on the layers before it.

A hook of each parameter says when its gradient is there. Buckets start in one fixed order: the
k-th all-reduce of a rank meets the k-th of every other, whatever is in it.
"""

from functools import partial
from typing import Any

import torch
from torch import distributed as dist
from torch import nn

from labs.gpu_training import buckets
from labs.gpu_training.strategies import data_parallel, plugged
from labs.gpu_training.workload import Workload


def train(
    workload: Workload, *, bucket_bytes: int, average: plugged.OverlappedStep | None = None
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
        return data_parallel.run(workload, plugged.during_backward(average, bucket_bytes))

    def setup(
        model: nn.Module, traffic: data_parallel.Traffic
    ) -> tuple[data_parallel.Network, data_parallel.Backward]:
        return model, _Overlap(model, traffic, bucket_bytes=bucket_bytes).to_gradients

    return data_parallel.run(workload, setup)


class _Overlap:
    """Starts buckets from within backward."""

    def __init__(
        self, model: nn.Module, traffic: data_parallel.Traffic, *, bucket_bytes: int
    ) -> None:
        self._parameters = list(model.parameters())
        self._traffic = traffic
        self._buckets = buckets.of_parameters(self._parameters, bucket_bytes)
        self._missing: list[set[int]] = []
        self._started: list[tuple[torch.Tensor, dist.Work]] = []
        for index, parameter in enumerate(self._parameters):
            hook = partial(self._take, index)
            parameter.register_post_accumulate_grad_hook(hook)  # type: ignore[no-untyped-call]

    def to_gradients(self, loss: torch.Tensor) -> None:
        """Leave the mean over the ranks in every gradient."""
        self._missing, self._started = [set(group) for group in self._buckets], []
        data_parallel.backward(loss)
        for (flat, work), group in zip(self._started, self._buckets, strict=True):
            self._traffic.wait(work)
            buckets.spread(flat / dist.get_world_size(), self._gradients(group))

    def _take(self, index: int, _: torch.Tensor) -> None:
        for missing in self._missing:
            missing.discard(index)
        while len(self._started) < len(self._buckets) and not self._missing[len(self._started)]:
            flat = buckets.flatten(self._gradients(self._buckets[len(self._started)]))
            self._started.append((flat, self._traffic.start(flat)))

    def _gradients(self, group: list[int]) -> list[torch.Tensor]:
        gradients = (self._parameters[index].grad for index in group)
        return [gradient for gradient in gradients if gradient is not None]
