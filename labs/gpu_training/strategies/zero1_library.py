"""ZeRO stage 1 by the library: torch's ZeroRedundancyOptimizer behind DistributedDataParallel.

It shares out whole tensors, the largest first, so the ranks hold nearly equal parts and none is
padded. Each rank sends its new weights to all others.
"""

from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from labs.gpu_training.strategies import sharded
from labs.gpu_training.workload import Workload, weights_of


def train(workload: Workload) -> dict[str, Any]:
    """Train in a rank; returns what `sharded.run` does."""
    return sharded.run(workload, partial(_setup, workload))


def _setup(workload: Workload, model: nn.Module) -> sharded.Spread:
    # Loading it makes torch compile optimisers of its own, which warns in new versions.
    from torch.distributed.optim import ZeroRedundancyOptimizer  # noqa: PLC0415

    network = DistributedDataParallel(model)
    optimizer = ZeroRedundancyOptimizer(
        model.parameters(),
        optimizer_class=torch.optim.AdamW,
        lr=workload.learning_rate,
        foreach=False,
    )

    def held_bytes() -> dict[str, int]:
        return sharded.held_bytes(model.parameters(), optimizer.optim)

    def update() -> None:
        optimizer.step()

    return sharded.Spread(
        network, update, optimizer.zero_grad, partial(weights_of, model), held_bytes
    )
