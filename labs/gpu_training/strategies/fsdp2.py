"""Fully sharded data parallelism, FSDP2: weights, gradients and moments in pieces (ZeRO stage 3).

Each rank holds some rows of every tensor. A block's weights are gathered before it computes and
freed afterwards; its gradients are reduce-scattered as soon as they are ready.
"""

from functools import partial
from typing import Any

from torch import distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from labs.gpu_training import devices
from labs.gpu_training.strategies import sharded
from labs.gpu_training.workload import Weights, Workload


def train(workload: Workload) -> dict[str, Any]:
    """Train in a rank; returns what `sharded.run` does."""
    return sharded.run(workload, partial(_setup, workload))


def _setup(workload: Workload, model: nn.Module) -> sharded.Spread:
    mesh = init_device_mesh(devices.local().type, (dist.get_world_size(),))
    for block in model.blocks:  # type: ignore[union-attr]  # the blocks of our transformer
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)  # what stands outside of the blocks
    optimizer = workload.optimizer(model)

    def update() -> None:
        optimizer.step()

    def held_bytes() -> dict[str, int]:
        return sharded.held_bytes(model.parameters(), optimizer)

    return sharded.Spread(
        model, update, optimizer.zero_grad, partial(full_weights, model), held_bytes
    )


def full_weights(model: nn.Module) -> Weights:
    """Return a copy of the whole parameters by name; every rank calls it at the same time."""
    return {
        name: (p.full_tensor() if isinstance(p, DTensor) else p).detach().cpu().numpy().copy()
        for name, p in model.named_parameters()
    }
