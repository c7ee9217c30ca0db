"""Small networks whose saved tensors can be written down by hand, one a trap each.

They are what the checks of exercise 2.3 hand out. Each is built from its sizes alone; they are not
trained, and nothing here counts.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn

from labs.shared.networks import seeded


class Chain(nn.Module):
    """Linear layers with ReLU between them; (batch, widths[0]) -> (batch, widths[-1]).

    Parameters
    ----------
    widths
        Features before, between and after the layers.
    """

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the last layer gives."""
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        last: torch.Tensor = self.layers[-1](x)
        return last


class OneLinear(nn.Module):
    """A linear layer, and then a function of its result that saves something of interest.

    Parameters
    ----------
    width
        Features before and after the layer.
    then
        What is done with them.
    """

    def __init__(self, width: int, then: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.layer = nn.Linear(width, width)
        self.then = then

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the function of the layer's result, (batch, width) or smaller."""
        return self.then(self.layer(x))


class HalfFrozen(nn.Module):
    """Two linear layers with a sine between them, the first without gradients."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, width) of the same."""
        with torch.no_grad():
            features = torch.sin(self.first(x))
        out: torch.Tensor = self.second(features)
        return out


class Tied(nn.Module):
    """Codes to features and back by the same weights; (batch, tokens) int64 -> logits."""

    def __init__(self, codes: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(codes, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, tokens, codes)."""
        features: torch.Tensor = self.embedding(x)
        return features @ self.embedding.weight.T


def _look_twice(h: torch.Tensor) -> torch.Tensor:
    return h * h + torch.sin(h)


def _look_at_a_part(h: torch.Tensor) -> torch.Tensor:
    return h[:, :2] * h[:, -2:]


def _hide_negative(h: torch.Tensor) -> torch.Tensor:
    return h.masked_fill(h < 0, 0.0)


def chain(widths: list[int], *, seed: int = 0) -> nn.Module:
    """Return linear layers of these widths with ReLU between them, drawn from a seed."""
    with seeded(seed):
        return Chain(widths)


def used_twice(width: int, *, seed: int = 0) -> nn.Module:
    """Return a network whose result is multiplied by itself and goes through a sine as well.

    It has that width, and weights from a seed, as those that follow.
    """
    with seeded(seed):
        return OneLinear(width, _look_twice)


def used_in_part(width: int, *, seed: int = 0) -> nn.Module:
    """Return a network of a width, from a seed, that uses its first and last two features alone."""
    with seeded(seed):
        return OneLinear(width, _look_at_a_part)


def masked(width: int, *, seed: int = 0) -> nn.Module:
    """Return a network of a width, from a seed, that saves booleans, of one byte each."""
    with seeded(seed):
        return OneLinear(width, _hide_negative)


def in_double(width: int, *, seed: int = 0) -> nn.Module:
    """Return `used_twice` of that width and seed in float64."""
    return used_twice(width, seed=seed).double()


def half_frozen(width: int, *, seed: int = 0) -> nn.Module:
    """Return a network of a width, from a seed, whose first layer needs no backward pass."""
    with seeded(seed):
        return HalfFrozen(width)


def tied(codes: int, width: int, *, seed: int = 0) -> nn.Module:
    """Return a network, from a seed, that has one weight (codes, width) at both ends."""
    with seeded(seed):
        return Tied(codes, width)


def normalised(width: int, *, seed: int = 0) -> nn.Module:
    """Return a batch normalisation between linear layers of a width; its buffers are saved too.

    The weights follow from a seed.
    """
    with seeded(seed):
        return nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width), nn.Linear(width, 1))
