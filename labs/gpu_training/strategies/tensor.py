"""Tensor parallelism: every linear layer of a block is split over the ranks, each sees all tokens.

The layers that widen (query, key, value, up) are split by columns of their output, those that
narrow (out, down) by rows of their input, so that one sum over the ranks ends each pair. Embedding,
normalisations and head are small, and whole on every rank. torch's `parallelize_module` does the
splitting; exercise 2.10 does it by hand.
"""

import time
from typing import Any

import torch
from torch import distributed as dist
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor, Replicate
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    PrepareModuleInput,
    RowwiseParallel,
    parallelize_module,
)
from torch.distributed.tensor.parallel.style import ParallelStyle

from labs.gpu_training import devices
from labs.gpu_training.workload import Weights, Workload, loss_of
from labs.shared.transformer import SIZES, Transformer


def train(workload: Workload) -> dict[str, Any]:
    """Train on all ranks, inside a launch.

    Parameters
    ----------
    workload
        The job; without dropout, and with a number of heads that the ranks divide.

    Returns
    -------
    dict
        On every rank ``weights`` (whole), ``losses``, ``step_s`` and ``held_elements``, the
        parameters that this rank holds.

    Raises
    ------
    ValueError
        If the heads cannot be shared out, or there is dropout.
    """
    check(workload, ranks=dist.get_world_size())
    device = devices.local()
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    model = split(workload.model().to(device), mesh)
    optimizer = workload.optimizer(model)
    losses, step_s = [], []
    for step in range(workload.steps):
        x, y = (part.to(device) for part in workload.batch_of(step))
        devices.synchronize()
        start_s = time.perf_counter()
        optimizer.zero_grad()
        loss = loss_of(model, x, targets=y)
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
        step_s.append(time.perf_counter() - start_s)
    held = held_elements(model)
    weights = whole_weights(model)
    return {"weights": weights, "losses": losses, "step_s": step_s, "held_elements": held}


def check(workload: Workload, *, ranks: int) -> None:
    """Refuse a job that cannot be split so.

    Parameters
    ----------
    workload
        The job.
    ranks
        That share each layer.

    Raises
    ------
    ValueError
        If the heads cannot be shared out, or there is dropout.

    Examples
    --------
    >>> check(Workload(size="tiny"), ranks=3)
    Traceback (most recent call last):
    ...
    ValueError: size 'tiny' has 4 heads and 3 ranks share them; take a number that divides them
    """
    heads = SIZES[workload.size].heads
    if heads % ranks:
        raise ValueError(
            f"size {workload.size!r} has {heads} heads and {ranks} ranks share them; "
            "take a number that divides them"
        )
    if workload.dropout:
        # A mask over heads would have to differ between ranks, one over the sum to be the same.
        raise ValueError(f"dropout is {workload.dropout:g}; split layers are trained without it")


def split(model: Transformer, mesh: DeviceMesh) -> Transformer:
    """Replace the linear layers of every block by this rank's part of them, and return the model.

    Parameters
    ----------
    model
        On the device of the mesh, the same on every rank.
    mesh
        One-dimensional.
    """
    for block in model.blocks:
        parallelize_module(block, mesh, _plan())
    return model


def _plan() -> dict[str, ParallelStyle]:
    # Entered once for query, key and value: their gradients are added before they are summed
    # over the ranks, one all-reduce in place of three.
    whole: dict[str, Any] = {"input_layouts": Replicate(), "desired_input_layouts": Replicate()}
    enters: dict[str, ParallelStyle] = {"attention": PrepareModuleInput(**whole)}
    widens = [f"attention.{name}" for name in ("query", "key", "value")] + ["up"]
    narrows = ["attention.out", "down"]
    by_columns: dict[str, ParallelStyle] = {name: ColwiseParallel() for name in widens}
    by_rows: dict[str, ParallelStyle] = {name: RowwiseParallel() for name in narrows}
    return enters | by_columns | by_rows


def held_elements(model: nn.Module) -> int:
    """Return how many numbers of the parameters lie on this rank."""
    return sum(_local(p).numel() for p in model.parameters())


def whole_weights(model: nn.Module) -> Weights:
    """Return all parameters by name, whole; every rank must ask at the same time."""
    return {name: _whole(p).cpu().numpy().copy() for name, p in model.named_parameters()}


def _local(parameter: torch.Tensor) -> torch.Tensor:
    if isinstance(parameter, DTensor):
        local: torch.Tensor = parameter.to_local()
        return local
    return parameter


def _whole(parameter: torch.Tensor) -> torch.Tensor:
    if isinstance(parameter, DTensor):
        whole: torch.Tensor = parameter.full_tensor()
        return whole.detach()
    return parameter.detach()
