"""Stand-ins for the functions of exercise 2.10: torch's autograd, and schedules by a clock."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from labs.gpu_training.schedules import BACKWARD, FORWARD, Operation

Floats = npt.NDArray[np.floating[Any]]
AllReduce = Callable[[Floats], Floats]
__all__ = ["column_row_mlp", "gpipe", "one_forward_one_backward"]


def column_row_mlp(
    x: Floats,
    weights: tuple[Floats, Floats],
    *,
    gradient: Floats,
    rank: int,
    ranks: int,
    all_reduce: AllReduce,
) -> tuple[Floats, Floats]:
    """Return the whole output and the whole gradient of x, by torch's autograd on a rank's part.

    Parameters
    ----------
    x
        (batch, width), the same on every rank.
    weights
        ``up`` and ``down``, (width, hidden) and (hidden, width).
    gradient
        Of the output, (batch, width).
    rank, ranks
        Which part, of how many; they divide the hidden width.
    all_reduce
        Returns the sum over all ranks of what they hand in.
    """
    up, down = (torch.as_tensor(each) for each in weights)
    seen = torch.tensor(x, requires_grad=True)
    hidden = torch.relu(seen @ up.chunk(ranks, dim=1)[rank])
    part = hidden @ down.chunk(ranks, dim=0)[rank]
    output = all_reduce(part.detach().numpy())
    (own,) = torch.autograd.grad(part, seen, torch.as_tensor(gradient))
    return output, all_reduce(own.numpy())


def gpipe(stages: int, micro_batches: int) -> list[list[Operation]]:
    """Return GPipe's order of work for each stage, by a clock that prefers forwards.

    Parameters
    ----------
    stages, micro_batches
        At least 1 each.
    """
    return _by_clock(stages, micro_batches, most_held=[micro_batches] * stages, first=micro_batches)


def one_forward_one_backward(stages: int, micro_batches: int) -> list[list[Operation]]:
    """Return 1F1B's order of work for each stage, by a clock that never keeps more than allowed.

    Parameters
    ----------
    stages, micro_batches
        At least 1 each.
    """
    most_held = [stages - stage for stage in range(stages)]
    return _by_clock(stages, micro_batches, most_held=most_held, first=1)


def _by_clock(
    stages: int, micro_batches: int, *, most_held: list[int], first: int
) -> list[list[Operation]]:
    """At each tick every stage does a forward if it may and can, else a backward if it can.

    A stage keeps at most so many micro-batches, and does `first` forwards before any backward.
    """
    done = [{FORWARD: 0, BACKWARD: 0} for _ in range(stages)]
    work: list[list[Operation]] = [[] for _ in range(stages)]
    while any(each[BACKWARD] < micro_batches for each in done):
        before = [dict(each) for each in done]
        for stage, each in enumerate(before):
            there = before[stage - 1][FORWARD] if stage else micro_batches
            behind = before[stage + 1][BACKWARD] if stage < stages - 1 else each[FORWARD]
            if each[FORWARD] < min(there, each[BACKWARD] + most_held[stage]):
                kind = FORWARD
            elif each[FORWARD] >= first and each[BACKWARD] < min(behind, each[FORWARD]):
                kind = BACKWARD
            else:
                continue
            work[stage].append((kind, each[kind]))
            done[stage][kind] += 1
    return work
