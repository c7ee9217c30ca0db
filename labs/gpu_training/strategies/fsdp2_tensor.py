"""Two dimensions: layers split over pairs of ranks, and what each holds sharded over the pairs.

Inside a pair every layer is split as in `labs.gpu_training.strategies.tensor`. Ranks that hold the
same part see different sequences and share their part's states by FSDP2.
"""

import time
from typing import Any

import torch
from torch import distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from labs.gpu_training import devices
from labs.gpu_training.strategies import tensor
from labs.gpu_training.workload import Workload, loss_of


def train(workload: Workload, *, pair: int = 2) -> dict[str, Any]:
    """Train on all ranks, inside a launch.

    Parameters
    ----------
    workload
        As for `labs.gpu_training.strategies.tensor.train`.
    pair
        Ranks that share each layer; divides the number of ranks.

    Returns
    -------
    dict
        On every rank ``weights`` (whole), ``losses``, ``step_s`` and ``held_elements``.

    Raises
    ------
    ValueError
        If ranks, heads or batch cannot be shared out, or there is dropout.
    """
    copies = _copies(workload, pair=pair)
    device = devices.local()
    mesh = init_device_mesh(device.type, (copies, pair), mesh_dim_names=("data", "tensor"))
    model = tensor.split(workload.model().to(device), mesh["tensor"])
    for block in model.blocks:
        fully_shard(block, mesh=mesh["data"])
    fully_shard(model, mesh=mesh["data"])
    optimizer = workload.optimizer(model)
    losses, step_s = [], []
    for step in range(workload.steps):
        batch = (part.to(device) for part in workload.batch_of(step))
        x, y = (part.chunk(copies)[mesh["data"].get_local_rank()] for part in batch)
        devices.synchronize()
        start_s = time.perf_counter()
        optimizer.zero_grad()
        loss = loss_of(model, x, targets=y)
        torch.autograd.backward(loss)
        optimizer.step()
        mean = loss.detach() / copies
        dist.all_reduce(mean, group=mesh["data"].get_group())
        losses.append(float(mean))
        step_s.append(time.perf_counter() - start_s)
    held = tensor.held_elements(model)
    weights = tensor.whole_weights(model)
    return {"weights": weights, "losses": losses, "step_s": step_s, "held_elements": held}


def _copies(workload: Workload, *, pair: int) -> int:
    """Return how many ranks hold the same part of a layer, each for other sequences."""
    ranks = dist.get_world_size()
    if ranks % pair:
        raise ValueError(f"{ranks} ranks are no groups of {pair}; take a multiple of {pair}")
    tensor.check(workload, ranks=pair)
    copies = ranks // pair
    if workload.batch % copies:
        raise ValueError(f"batch is {workload.batch}; give a multiple of the {copies} groups")
    return copies
