"""Small networks to try a counter on: odd shapes, layers used twice, never, or out of order.

The checks of exercise 1.3 build them by name where your code runs; build them yourself to see
what your function says about them. They are never trained.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from labs.shared.networks import seeded

_kept: dict[str, "Witness"] = {}


def layers(specifications: Sequence[dict[str, object]]) -> nn.Sequential:
    """Return layers in a row.

    Parameters
    ----------
    specifications
        For each layer its class in ``torch.nn`` as ``kind``, beside what that class is built with.

    Examples
    --------
    >>> layers([{"kind": "Conv2d", "in_channels": 1, "out_channels": 2, "kernel_size": 3}])
    Sequential(
      (0): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))
    )
    """
    with seeded(0):
        built = [
            getattr(nn, str(each["kind"]))(**{k: v for k, v in each.items() if k != "kind"})
            for each in specifications
        ]
    return nn.Sequential(*built)


class Detour(nn.Module):
    """Layers that do not run in the order in which they are written, and one that never runs.

    Attributes
    ----------
    last, never, first
        Convolutions without padding; `first` runs first.
    twice
        A linear layer over the last axis that is called two times.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.last = nn.Conv2d(channels, 2, 1)
        self.never = nn.Conv2d(1, 50, 3)
        self.twice = nn.Linear(6, 6)
        self.first = nn.Conv2d(1, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, 2, height - 2, 6) of (batch, 1, height, 8)."""
        x = self.twice(self.twice(self.first(x)))
        y: Tensor = self.last(x)
        return y


def detour(*, channels: int) -> Detour:
    """Return a `Detour`.

    Examples
    --------
    >>> detour(channels=3)(torch.zeros(1, 1, 5, 8)).shape
    torch.Size([1, 2, 3, 6])
    """
    with seeded(0):
        return Detour(channels)


class Witness(nn.Module):
    """A network that remembers how it was built, and says so when it was left otherwise.

    Attributes
    ----------
    layer, norm
        A convolution and a batch normalisation in training mode; `frozen` is in evaluation mode.
    complaint
        What was wrong when `witness` was asked for it again; it raises that when it runs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.frozen = nn.BatchNorm2d(4)
        self.complaint = ""
        self.train()
        self.frozen.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, 4, height - 2, width - 2), or raise what it complains about."""
        if self.complaint:
            raise RuntimeError(self.complaint)
        if torch.is_grad_enabled():
            raise RuntimeError("this network runs with gradients; use torch.no_grad()")
        y: Tensor = self.frozen(self.norm(self.layer(x)))
        return y

    def look(self) -> str:
        """Return what is not as it was when built, or nothing."""
        for module in self.modules():
            hooks = len(module._forward_hooks) + len(module._forward_pre_hooks)
            if hooks or "forward" in vars(module):
                return "after the first count a hook was still there; remove it"
        if torch.nn.modules.module._global_forward_hooks:
            return "after the first count a hook of all modules was still there; remove it"
        if int(self.norm.num_batches_tracked or 0):
            return "the count changed the batch normalisation; run in evaluation mode"
        if not (self.training and self.norm.training) or self.frozen.training:
            return "after the first count the training mode was not as before; put it back"
        return ""


def witness(*, again: bool) -> Witness:
    """Return a new `Witness`, or the last one again, which then says what became of it.

    Examples
    --------
    >>> network = witness(again=False).eval()
    >>> witness(again=True).complaint
    'after the first count the training mode was not as before; put it back'
    """
    if not again:
        with seeded(0):
            _kept["last"] = Witness()
    else:
        _kept["last"].complaint = _kept["last"].look()
    return _kept["last"]
