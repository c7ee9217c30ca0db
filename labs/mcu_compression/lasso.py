"""Makes channels vanish while a network trains, and shows which norm of a channel means anything.

A channel is removed without any loss once nobody reads it: when the weights by which the next
layer reads it are all 0. `GroupLasso` drives those weights to 0, a channel at a time. Other norms
will not do, since batch normalisation divides by the scale of what comes before it: `weakened` and
`training_scores` let you see that.
"""

import copy
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from labs.mcu_compression.channels import Network, SlimDSCNN, readers
from labs.shared.networks import DSCNN

Floats = npt.NDArray[np.float32]
Shrink = Callable[[Floats, float], npt.ArrayLike]
Place = Literal["maker", "normaliser", "reader"]


def weakened(network: Network, place: Place, *, factor: float) -> Network:
    """Return a copy in which every second channel of the second block is scaled at one place.

    Parameters
    ----------
    network
        Left as it was.
    place
        ``maker``: weights and bias that make the channel. ``normaliser``: scale and shift of its
        batch normalisation. ``reader``: the weights by which the next block's pointwise layer
        reads it.
    factor
        What they are multiplied by.

    Raises
    ------
    ValueError
        If there is no such place, naming those there are.
    """
    changed = copy.deepcopy(network)
    block = changed.blocks[1]
    layers = {"maker": block[3], "normaliser": block[4]}  # type: ignore[index]  # a Sequential
    with torch.no_grad():
        if place == "reader":
            readers(changed)[2][::2] *= factor
        elif place in layers:
            layers[place].weight[::2] *= factor
            layers[place].bias[::2] *= factor
        else:
            raise ValueError(f"place is {place!r}; give maker, normaliser or reader")
    return changed


@torch.no_grad()
def training_scores(network: nn.Module, features: Tensor) -> Tensor:
    """Return the scores that a training step would see: normalised by this batch, no dropout.

    Parameters
    ----------
    network
        Left as it was, running statistics too.
    features
        (n, 1, 49, 10), n > 1.
    """
    seen = copy.deepcopy(network).eval()
    for layer in seen.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.train()
    scores: Tensor = seen(features)
    return scores


class GroupLasso:
    """A proximal step on the channels of a network, for ``training.tune(after_step=...)``.

    After each step of the optimiser every channel's reading weights are shrunk as a group. Then
    the weights of the layer are scaled up to the norm they had, which batch normalisation makes
    free: otherwise all channels would shrink alike, and nothing be decided. Once few enough are
    left, the pressure ends: those that are gone stay gone, the others recover.

    Parameters
    ----------
    shrink
        ``shrink(weights, threshold)``, on (channels, ...) weights.
    pace
        Threshold of a step, as a share of the root mean square of a set's norms; > 0.
    left
        Channels of all sets together at which the pressure ends.

    Attributes
    ----------
    norms
        For each step, the norms of each set's channels after it.
    """

    def __init__(self, shrink: Shrink, *, pace: float, left: int) -> None:
        if not pace > 0 or left < 1:
            raise ValueError(f"pace is {pace}, left {left}; give a pace above 0 and left >= 1")
        self.norms: list[list[Floats]] = []
        self._shrink, self._pace, self._left = shrink, pace, left
        self._is_over = False

    @torch.no_grad()
    def __call__(self, network: nn.Module) -> None:
        """Shrink the channels of a network once, in place."""
        if not isinstance(network, DSCNN | SlimDSCNN):
            raise TypeError(f"{type(network).__name__} has no sets of channels; give a DSCNN")
        sets = readers(network)
        self._is_over = self._is_over or self._left >= sum(len(weights) for weights in sets)
        for number, weights in enumerate(sets):
            if self._is_over and self.norms:
                weights[torch.as_tensor(self.norms[-1][number] == 0)] = 0.0
            elif not self._is_over:
                self._press(weights)
        self.norms.append([weights.norm(dim=1).cpu().numpy() for weights in sets])
        left = sum(int(np.count_nonzero(norms)) for norms in self.norms[-1])
        self._is_over = left <= self._left

    def _press(self, weights: Tensor) -> None:
        norm = float(weights.norm())
        threshold = self._pace * norm / len(weights) ** 0.5
        shrunk = torch.as_tensor(np.asarray(self._shrink(weights.cpu().numpy(), threshold)))
        if (rest := float(shrunk.norm())) > 0:  # the last channel of a set is never taken
            weights.copy_(shrunk * (norm / rest))


def alive(network: Network) -> list[npt.NDArray[np.intp]]:
    """Return for each set the channels that somebody reads, ready for `channels.slim`."""
    return [np.flatnonzero(weights.norm(dim=1).cpu().numpy()) for weights in readers(network)]
