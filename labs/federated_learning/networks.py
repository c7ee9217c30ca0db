"""Networks as functions of one flat vector of weights: what a client gets, changes and sends back.

All weights of a network in one float32 vector make a federation short to write: an average, a
difference or a message is one array. `torch.func` computes many clients at once. Networks are
normalised by groups, since a batch's own mean and spread (BatchNorm) are a client's, not the
federation's. Nothing is trained here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.func import functional_call

from labs.shared.networks import seeded

GROUPS = 8


@dataclass(frozen=True, eq=False)
class Network:
    """A network whose weights are an argument.

    Parameters
    ----------
    build
        Returns the network as a module, with fresh weights from torch's random state.

    Attributes
    ----------
    size
        Number of weights.

    Examples
    --------
    >>> network = Network(lambda: nn.Linear(3, 2))
    >>> network.size, network(network.initial(seed=0), torch.zeros(4, 3)).shape
    (8, torch.Size([4, 2]))
    """

    build: Callable[[], nn.Module]
    _module: nn.Module = field(init=False, repr=False)
    _shapes: dict[str, torch.Size] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        with torch.device("meta"):
            module = self.build()
        object.__setattr__(self, "_module", module)
        shapes = {name: each.shape for name, each in module.named_parameters()}
        object.__setattr__(self, "_shapes", shapes)

    @property
    def size(self) -> int:
        """Number of weights."""
        return sum(shape.numel() for shape in self._shapes.values())

    def initial(self, seed: int) -> Tensor:
        """Return fresh weights, (size,), that follow from the seed alone."""
        with seeded(seed):
            module = self.build()
        return self.flat({name: each.detach() for name, each in module.named_parameters()})

    def flat(self, state: dict[str, Tensor]) -> Tensor:
        """Return weights by name as one vector, (size,)."""
        return torch.cat([state[name].reshape(-1) for name in self._shapes])

    def state(self, weights: Tensor) -> dict[str, Tensor]:
        """Return a flat vector as weights by name; views, not copies."""
        parts = torch.split(weights, [shape.numel() for shape in self._shapes.values()])
        pairs = zip(self._shapes.items(), parts, strict=True)
        return {name: part.view(shape) for (name, shape), part in pairs}

    def __call__(self, weights: Tensor, x: Tensor) -> Tensor:
        """Return logits, (samples, classes)."""
        logits: Tensor = functional_call(self._module, self.state(weights), (x,))
        return logits


def image_network(shape: tuple[int, ...], *, classes: int) -> Network:
    """Return the network for images: two dense layers for small ones, else two convolutions.

    Parameters
    ----------
    shape
        Of one image; (pixels,), (rows, columns) or (1, rows, columns).
    classes
        Number of classes.
    """
    pixels = torch.Size(shape).numel()
    if pixels <= 64:
        return Network(
            lambda: nn.Sequential(
                nn.Flatten(), nn.Linear(pixels, 64), nn.ReLU(), nn.Linear(64, classes)
            )
        )
    side = int(pixels**0.5)
    return Network(lambda: _convolutions(side, classes))


def _convolutions(side: int, classes: int) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(),
        nn.Unflatten(1, (1, side, side)),
        nn.Conv2d(1, 16, 5, padding=2),
        nn.GroupNorm(GROUPS, 16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2),
        nn.GroupNorm(GROUPS, 32),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(32 * 16, classes),
    )


def keyword_network(*, classes: int, channels: int = 32) -> Network:
    """Return the network for keywords, (n, 1, 49, 10) -> (n, classes).

    The shape of MLPerf Tiny's in small, normalised by groups.
    """

    def build() -> nn.Module:
        blocks: list[nn.Module] = [
            nn.Conv2d(1, channels, (10, 4), stride=2, padding=(5, 1)),
            nn.GroupNorm(GROUPS, channels),
            nn.ReLU(),
        ]
        for _ in range(2):
            blocks += [
                nn.Conv2d(channels, channels, 3, padding=1, groups=channels),
                nn.Conv2d(channels, channels, 1),
                nn.GroupNorm(GROUPS, channels),
                nn.ReLU(),
            ]
        return nn.Sequential(
            *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)
        )

    return Network(build)
