"""ZeRO stage 1 by hand: every rank holds all weights, and the moments of its own piece alone.

All parameters are views of one flat tensor, padded to a multiple of the ranks, and all gradients
of another. A step is a reduce-scatter of the gradients, AdamW on the own piece, and an all-gather
of the pieces.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed as dist
from torch import nn

from labs.gpu_training import devices
from labs.gpu_training.strategies import sharded
from labs.gpu_training.workload import Workload, weights_of

Array = NDArray[np.floating]
# Renamed in torch 2.13, where the old names warn.
reduce_scatter = getattr(dist, "reduce_scatter_single", None) or dist.reduce_scatter_tensor
all_gather = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor
# step(weights, gradient, *, place, update, reduce_scatter, all_gather) returns the new weights,
# and update(weights, gradient, *, state, learning_rate) those of a piece with its new state.
Step = Callable[..., Array]
Update = Callable[..., tuple[Array, Mapping[str, Any]]]


def train(
    workload: Workload, *, step: Step | None = None, update: Update | None = None
) -> dict[str, Any]:
    """Train in a rank; returns what `sharded.run` does.

    Parameters
    ----------
    workload
        What to train.
    step, update
        Functions from the notebook, which know NumPy alone, in the place of our own; both or none.
    """
    if step is None or update is None:
        return sharded.run(workload, partial(_by_hand, workload))
    return sharded.run(workload, partial(_plugged, workload, step=step, update=update))


def piece_size(parameters: int, ranks: int) -> int:
    """Return the elements of a rank's piece; together they hold the parameters and padding.

    Examples
    --------
    >>> piece_size(10, 4)
    3
    """
    return -(-parameters // ranks)


class Flat:
    """The parameters of a network as one padded tensor, and their gradients as another.

    Parameters
    ----------
    model
        Its parameters become views; they keep their values.
    ranks
        The flat tensors have a multiple of it as their length.
    """

    def __init__(self, model: nn.Module, ranks: int) -> None:
        parameters = list(model.parameters())
        sizes = [p.numel() for p in parameters]
        self.parameters = sum(sizes)
        length = piece_size(self.parameters, ranks) * ranks
        self.weights = torch.zeros(length, device=parameters[0].device)
        self.gradients = torch.zeros_like(self.weights)
        for p, start in zip(parameters, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True):
            own = slice(start, start + p.numel())
            self.weights[own] = p.detach().flatten()
            p.data = self.weights[own].view_as(p)
            p.grad = self.gradients[own].view_as(p)

    def clear(self) -> None:
        """Make all gradients 0; backward adds to them where they are."""
        self.gradients.zero_()

    def held_bytes(self, optimizer_bytes: int) -> dict[str, int]:
        """Return what is held, padding included, with moments of the given size [B]."""
        weights, gradients = map(sharded.local_bytes, (self.weights, self.gradients))
        return {"weights": weights, "gradients": gradients, "optimizer": optimizer_bytes}


def _by_hand(workload: Workload, model: nn.Module) -> sharded.Spread:
    rank, ranks = dist.get_rank(), dist.get_world_size()
    flat = Flat(model, ranks)
    piece = nn.Parameter(flat.weights.chunk(ranks)[rank])  # the same memory
    mean = torch.zeros_like(piece)
    piece.grad = mean
    optimizer = workload.optimizer(nn.ParameterList([piece]))

    def update() -> None:
        reduce_scatter(mean, flat.gradients)
        mean.div_(ranks)
        optimizer.step()
        all_gather(flat.weights, piece.detach().clone())

    def held_bytes() -> dict[str, int]:
        return flat.held_bytes(sharded.held_bytes([], optimizer)["optimizer"])

    return sharded.Spread(model, update, flat.clear, partial(weights_of, model), held_bytes)


def _plugged(workload: Workload, model: nn.Module, *, step: Step, update: Update) -> sharded.Spread:
    place = dist.get_rank(), dist.get_world_size()
    flat = Flat(model, place[1])
    zeros = np.zeros(piece_size(flat.parameters, place[1]), np.float32)
    state: dict[str, Any] = {"step": 0, "mean": zeros, "square": zeros}

    def own_update(piece: Array, gradient: Array) -> Array:
        new, after = update(piece, gradient, state=state, learning_rate=workload.learning_rate)
        state.update(after)
        return new

    def update_all() -> None:
        weights, gradients = (
            part[: flat.parameters].cpu().numpy().copy() for part in (flat.weights, flat.gradients)
        )
        sends = {"reduce_scatter": _reduce_scatter, "all_gather": _all_gather}
        new = step(weights, gradients, place=place, update=own_update, **sends)
        flat.weights[: flat.parameters] = torch.from_numpy(np.array(new, np.float32))

    def held_bytes() -> dict[str, int]:
        return flat.held_bytes(sum(np.asarray(state[name]).nbytes for name in ("mean", "square")))

    return sharded.Spread(model, update_all, flat.clear, partial(weights_of, model), held_bytes)


def _reduce_scatter(array: Array) -> Array:
    """Return this rank's piece of the sum over the ranks; the length is a multiple of them."""
    whole = _tensor(array)
    ranks = dist.get_world_size()
    if len(whole) % ranks:
        raise ValueError(
            f"reduce_scatter of {len(whole):,} elements over {ranks} ranks; pad to a multiple"
        )
    piece = whole.new_empty(len(whole) // ranks)
    reduce_scatter(piece, whole)
    return np.asarray(piece.cpu().numpy())


def _all_gather(array: Array) -> Array:
    """Return the pieces of all ranks, one after the other."""
    piece = _tensor(array)
    whole = piece.new_empty(len(piece) * dist.get_world_size())
    all_gather(whole, piece)
    return np.asarray(whole.cpu().numpy())


def _tensor(array: Array) -> torch.Tensor:
    return torch.from_numpy(np.array(array, np.float32)).to(devices.local())
