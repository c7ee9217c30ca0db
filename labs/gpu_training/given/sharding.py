"""Stand-ins for the functions of exercise 2.9, from torch's optimiser and its padding."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

__all__ = ["adamw_update", "bytes_per_rank", "zero1_step"]
Array = NDArray[np.floating]
PARTS = ("weights", "gradients", "optimizer")
STORED = {  # by part; the optimiser keeps two moments, and the weights in float32 if they are not
    "float32": ([torch.float32], [torch.float32], [torch.float32] * 2),
    "mixed": ([torch.bfloat16], [torch.bfloat16], [torch.float32] * 3),
}
FIRST_STAGE = {"optimizer": 1, "gradients": 2, "weights": 3}  # that splits the part


def adamw_update(
    weights: Array, gradient: Array, *, state: Mapping[str, Any], learning_rate: float
) -> tuple[Array, dict[str, Any]]:
    """Return weights and state after a step of `torch.optim.AdamW`.

    Parameters
    ----------
    weights, gradient
        (n,), float32.
    state
        ``step``, the steps so far, and the running means ``mean`` and ``square``, (n,) each.
    learning_rate
        Of this step.
    """
    piece = torch.nn.Parameter(torch.tensor(weights))
    piece.grad = torch.tensor(gradient)
    optimizer = torch.optim.AdamW([piece], lr=learning_rate, foreach=False)
    own = optimizer.state[piece]
    own["step"] = torch.tensor(float(state["step"]))
    own["exp_avg"], own["exp_avg_sq"] = torch.tensor(state["mean"]), torch.tensor(state["square"])
    optimizer.step()
    after = {"mean": own["exp_avg"].numpy(), "square": own["exp_avg_sq"].numpy()}
    return piece.detach().numpy(), {"step": int(own["step"]), **after}


def zero1_step(
    weights: Array,
    gradient: Array,
    *,
    place: tuple[int, int],
    update: Callable[[Array, Array], Array],
    reduce_scatter: Callable[[Array], Array],
    all_gather: Callable[[Array], Array],
) -> Array:
    """Return the weights after a step in which each rank updates its own piece.

    Parameters
    ----------
    weights
        All of them, (n,), the same on every rank.
    gradient
        Of this rank's part of the batch, (n,).
    place
        This rank, from 0, and the number of ranks.
    update
        Returns the new weights of a piece, given the old ones and the mean gradient.
    reduce_scatter
        Returns this rank's piece of the sum over the ranks.
    all_gather
        Returns the pieces of all ranks, one after the other.
    """
    rank, ranks = place
    padding = (0, -len(weights) % ranks)
    own, padded = (functional.pad(torch.tensor(x), padding) for x in (weights, gradient))
    mean = torch.tensor(reduce_scatter(padded.numpy())) / ranks
    piece = update(own.view(ranks, -1)[rank].numpy(), mean.numpy())
    return np.asarray(all_gather(piece))[: len(weights)]


def bytes_per_rank(parameters: int, ranks: int, *, stage: int, precision: str) -> dict[str, int]:
    """Return what a rank holds of weights, gradients and optimiser with ZeRO [B].

    Parameters
    ----------
    parameters, ranks
        How many of each.
    stage
        0 to 3: nothing, the optimiser's part, the gradients too, the weights too are split.
    precision
        ``float32`` or ``mixed``.
    """
    piece = -(-parameters // ranks)
    return {
        part: sum(each.itemsize for each in kinds)
        * (piece if stage >= FIRST_STAGE[part] else parameters)
        for part, kinds in zip(PARTS, STORED[precision], strict=True)
    }
