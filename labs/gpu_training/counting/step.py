"""One training step of a job on this rank, counted: what it sends, computes and holds.

It needs a process group, real or fake, of as many ranks as the job has. Nothing is trained: the
weights are never set, and counts do not depend on them. Sequences are zeros.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import distributed as dist
from torch import nn
from torch.distributed._composable.replicate_with_fsdp import replicate
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    ParallelStyle,
    RowwiseParallel,
    parallelize_module,
)

from labs.gpu_training import devices
from labs.gpu_training.counting.collectives import Counter, size_bytes
from labs.gpu_training.counting.jobs import Counted, Job
from labs.gpu_training.workload import loss_of
from labs.shared.transformer import Transformer


def prepare(job: Job) -> nn.Module:
    """Return the network of a job, spread over the ranks, without memory for its weights.

    Raises
    ------
    ValueError
        If the process group has another number of ranks than the job.
    """
    if dist.get_world_size() != job.ranks:
        raise ValueError(
            f"the job has {job.ranks} ranks and the process group {dist.get_world_size()}"
        )
    data, tensor = _meshes(job)
    with torch.device("meta"):
        model = Transformer(job.size)
    if tensor is not None:
        for block in model.blocks:
            parallelize_module(block, tensor, _plan())
    if job.strategy == "tensor":
        return model
    spread = replicate if job.strategy == "ddp" else fully_shard
    for block in model.blocks:
        spread(block, mesh=data)
    spread(model, mesh=data)
    return model


def _meshes(job: Job) -> tuple[DeviceMesh, DeviceMesh | None]:
    if job.tensor == 1:
        return init_device_mesh(devices.local().type, (job.ranks,), mesh_dim_names=("data",)), None
    shape = (job.replicas, job.tensor)
    mesh = init_device_mesh(devices.local().type, shape, mesh_dim_names=("data", "tensor"))
    return mesh["data"], mesh["tensor"]


def _plan() -> dict[str, ParallelStyle]:
    """Split the layers one by one, in the way most often published: 6 all-reduces a block.

    `labs.gpu_training.strategies.tensor` sums the gradients of query, key and value before it sends
    them, and needs 4.
    """
    columns = ("attention.query", "attention.key", "attention.value", "up")
    rows = ("attention.out", "down")
    return {name: ColwiseParallel() for name in columns} | {
        name: RowwiseParallel() for name in rows
    }


def count_step(model: nn.Module, job: Job) -> Counted:
    """Take memory for the weights, run two steps and count the second.

    The first step sets up what later ones find ready.
    """
    model.to_empty(device=devices.local())
    optimizer = torch.optim.AdamW(model.parameters(), foreach=False)
    x = torch.zeros(job.batch, job.size.context, dtype=torch.int64, device=devices.local())
    for _ in range(2):
        optimizer.zero_grad()
        kept: dict[int, int] = {}
        with Counter() as counter:
            with _activations(kept):
                loss = loss_of(model, x, targets=x)
            torch.autograd.backward(loss)
            optimizer.step()
    parameters = list(model.parameters())
    state = [value for each in optimizer.state.values() for value in each.values()]
    tally = counter.tally
    return Counted(
        collectives={n: (tally.calls[n], tally.payload_bytes[n]) for n in sorted(tally.calls)},
        flops=tally.flops,
        parameter_bytes=_local_bytes(parameters),
        gradient_bytes=_local_bytes([p.grad for p in parameters]),
        optimizer_bytes=_local_bytes([each for each in state if each.ndim > 0]),
        activation_bytes=sum(kept.values()),
    )


def _local_bytes(tensors: Sequence[Any]) -> int:
    return sum(size_bytes(t.to_local() if hasattr(t, "to_local") else t) for t in tensors)


@contextmanager
def _activations(kept: dict[int, int]) -> Iterator[None]:
    """Note the memory behind each tensor that is kept for the backward pass, once."""
    alive = []  # so that no address is used twice

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        local = tensor.to_local() if hasattr(tensor, "to_local") else tensor
        origin = tensor if tensor._base is None else tensor._base
        if not (origin.is_leaf and origin.requires_grad):
            storage = local.untyped_storage()
            alive.append(local)
            kept[storage._cdata] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield
