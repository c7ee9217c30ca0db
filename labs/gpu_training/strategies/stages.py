"""The transformer cut into stages, one a rank, and its weights put together again.

Its parts are the embedding (0), the blocks (1 to their number) and, last, normalisation with head.
How a batch flows through the stages is decided elsewhere.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import distributed as dist
from torch import nn

from labs.gpu_training.workload import Weights, Workload, weights_of
from labs.shared.transformer import SIZES, Transformer


class Stage(nn.Module):
    """Some parts of a transformer that follow each other; parameters keep their names.

    Parameters
    ----------
    model
        Whole; its parts are used, not copied.
    parts
        Numbers of the parts, rising.
    """

    def __init__(self, model: Transformer, parts: Sequence[int]) -> None:
        super().__init__()
        last = len(model.blocks) + 1
        self.embedding = model.embedding if 0 in parts else None
        kept = {str(part - 1): model.blocks[part - 1] for part in parts if 0 < part < last}
        self.blocks = nn.ModuleDict(kept)
        self.norm = model.norm if last in parts else None
        self.head = model.head if last in parts else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the next stage gets: features, or logits from the last one."""
        if self.embedding is not None:
            x = self.embedding(x)
        for block in self.blocks.values():
            x = block(x)
        if self.norm is not None and self.head is not None:
            x = self.head(self.norm(x))
        return x


def cut(layers: int, stages: int) -> list[list[int]]:
    """Return the parts of each stage: blocks as evenly as they go, then the two ends.

    Parameters
    ----------
    layers
        Blocks of the transformer.
    stages
        At most two more than the blocks.

    Raises
    ------
    ValueError
        If there are more stages than parts.

    Examples
    --------
    >>> cut(layers=2, stages=2)
    [[0, 1], [2, 3]]
    >>> cut(layers=2, stages=4)
    [[0], [1], [2], [3]]
    """
    if not 1 <= stages <= layers + 2:
        raise ValueError(
            f"{stages} stages of {layers} blocks, embedding and head; take 1 to {layers + 2}"
        )
    if stages > layers:
        return [part.tolist() for part in np.array_split(np.arange(layers + 2), stages)]
    middle = [part.tolist() for part in np.array_split(np.arange(1, layers + 1), stages)]
    middle[0] = [0, *middle[0]]
    middle[-1] = [*middle[-1], layers + 1]
    return middle


def build(workload: Workload, *, rank: int, stages: int) -> Stage:
    """Return the stage of a rank before its first step.

    Parameters
    ----------
    workload
        The job.
    rank, stages
        Which of how many.
    """
    parts = cut(SIZES[workload.size].layers, stages)
    return Stage(workload.model(), parts[rank])


def check(workload: Workload, *, micro_batches: int) -> None:
    """Refuse a batch that has no equal parts, whose means would not be the batch's mean.

    Parameters
    ----------
    workload
        The job.
    micro_batches
        Parts of its batch.

    Raises
    ------
    ValueError
        Naming batch and micro-batches.

    Examples
    --------
    >>> check(Workload(batch=10), micro_batches=4)
    Traceback (most recent call last):
    ...
    ValueError: batch is 10 and micro_batches 4; give a batch that is a multiple of them
    """
    if micro_batches < 1 or workload.batch % micro_batches:
        raise ValueError(
            f"batch is {workload.batch} and micro_batches {micro_batches}; "
            "give a batch that is a multiple of them"
        )


def gathered(stage: Stage, losses: Sequence[float]) -> tuple[Weights, list[float]]:
    """Return all weights, on rank 0 alone, and the losses of the last stage, on every rank.

    Parameters
    ----------
    stage
        This rank's.
    losses
        As this rank has them; every rank must call at the same time.
    """
    ranks = dist.get_world_size()
    parts: list[Any] = [None] * ranks
    dist.all_gather_object(parts, (weights_of(stage), list(losses)))
    whole: Weights = {name: array for weights, _ in parts for name, array in weights.items()}
    return whole if dist.get_rank() == 0 else {}, cast(list[float], parts[-1][1])
