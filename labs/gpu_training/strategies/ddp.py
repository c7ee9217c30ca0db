"""Data parallel by the library: torch's DistributedDataParallel, its messages counted."""

from typing import Any

import torch
from torch import distributed as dist
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks
from torch.nn.parallel import DistributedDataParallel

from labs.gpu_training.strategies import data_parallel
from labs.gpu_training.workload import Workload


def train(workload: Workload, *, bucket_bytes: int) -> dict[str, Any]:
    """Train in a rank; returns what `data_parallel.run` does, ``exposed_s`` being 0.

    Parameters
    ----------
    workload
        What to train.
    bucket_bytes
        A bucket is closed once it holds as much; its first step fills them in another order than
        later ones, for which it has seen when each gradient is ready.
    """

    def setup(
        model: nn.Module, traffic: data_parallel.Traffic
    ) -> tuple[data_parallel.Network, data_parallel.Backward]:
        network = DistributedDataParallel(model, bucket_cap_mb=bucket_bytes / 2**20)
        network.register_comm_hook(traffic, _count_and_send)
        return network, data_parallel.backward

    return data_parallel.run(workload, setup)


def _count_and_send(
    traffic: data_parallel.Traffic,
    bucket: dist.GradBucket,  # type: ignore[name-defined]  # a C++ class
) -> torch.futures.Future[torch.Tensor]:
    traffic.count(bucket.buffer())
    everyone = dist.distributed_c10d._get_default_group()
    return default_hooks.allreduce_hook(everyone, bucket)
