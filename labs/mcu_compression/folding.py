"""A trained network as the plain chain of layers that a microcontroller runs.

Dropout does nothing any more, and batch normalisation, by now a fixed factor and offset for each
channel, moves into the convolution before it. What is left is convolutions with ReLU, an average
and a linear layer, each with a name. Nothing is rounded here.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import fusion

Kind = Literal["conv", "depthwise", "pointwise", "linear", "pool"]
Fold = Callable[[Tensor, Tensor, Mapping[str, Any]], tuple[Tensor, Tensor]]
INPUT = "input"  # the name of what enters the first layer
_IDLE = (nn.Dropout, nn.Flatten, nn.Identity)  # nothing to compute once training is over
_CLOSE = 1e-3  # of the largest score: float32 sums in another order differ by far less


def fold_batch_norm(weight: Tensor, bias: Tensor, norm: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution that does the normalisation after it as well.

    Parameters
    ----------
    weight, bias
        (out, in / groups, height, width) and (out,).
    norm
        ``gamma``, ``beta``, ``mean`` and ``variance``, (out,) each, and ``eps``, a number.

    Examples
    --------
    >>> one = torch.ones(1)
    >>> norm = {"gamma": one, "beta": one, "mean": one, "variance": one * 0.75, "eps": 0.25}
    >>> weight, bias = fold_batch_norm(torch.full((1, 1, 1, 1), 3.0), 5 * one, norm)
    >>> weight.item(), bias.item()
    (3.0, 5.0)
    """
    names = ("mean", "variance", "eps", "gamma", "beta")
    folded = fusion.fuse_conv_bn_weights(weight, bias, *(norm[name] for name in names))
    return folded[0].detach(), folded[1].detach()


class Layer(nn.Module):
    """A convolution or linear layer with its padding before and its ReLU after it.

    Parameters
    ----------
    source
        Weights, stride and groups are taken over; left as it was.
    name
        For tables, such as ``depthwise 2``.
    padding
        Zeros around the input: left, right, top, bottom.
    """

    weight: nn.Parameter
    bias: nn.Parameter

    def __init__(
        self, source: nn.Conv2d | nn.Linear, name: str, *, padding: tuple[int, ...]
    ) -> None:
        super().__init__()
        bias = torch.zeros(len(source.weight)) if source.bias is None else source.bias
        self.weight = nn.Parameter(source.weight.detach().clone())
        self.bias = nn.Parameter(bias.detach().clone())
        self.name, self.kind, self.padding = name, kind_of(source), padding
        self.stride, self.groups = (1, 1), 1
        if isinstance(source, nn.Conv2d):
            self.stride, self.groups = (source.stride[0], source.stride[1]), source.groups
        self.has_relu = False

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output, with the weights as they are."""
        return self.apply_weights(x, self.weight, bias=self.bias)

    def apply_weights(self, x: Tensor, weight: Tensor, *, bias: Tensor) -> Tensor:
        """Return the output for `x` with another `weight` and `bias`, rounded ones for instance."""
        if self.kind == "linear":
            x = functional.linear(x, weight, bias)
        else:
            left, right, top, bottom = self.padding
            same = (top, left) if (top, left) == (bottom, right) else (0, 0)
            x = x if any(same) or not any(self.padding) else functional.pad(x, self.padding)
            x = functional.conv2d(x, weight, bias, self.stride, same, groups=self.groups)
        return functional.relu(x) if self.has_relu else x


class Pool(nn.Module):
    """The average over all places, (batch, channels, height, width) -> (batch, channels)."""

    name, kind = "pool", "pool"

    def forward(self, x: Tensor) -> Tensor:
        """Return the average of each channel."""
        return x.mean((2, 3))


class FoldedNetwork(nn.Module):
    """A chain of layers that computes what a trained network computes.

    Parameters
    ----------
    chain
        Layers and pools in their order.
    """

    def __init__(self, chain: list[Layer | Pool]) -> None:
        super().__init__()
        self.chain = nn.ModuleList(chain)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (batch, classes), of features, (batch, 1, 49, 10)."""
        for link in self.chain:
            x = link(x)
        return x

    @property
    def layers(self) -> dict[str, Layer]:
        """The layers with weights, by name, in their order."""
        return {link.name: link for link in self.chain if isinstance(link, Layer)}

    @torch.no_grad()
    def activations(self, features: Tensor) -> dict[str, Tensor]:
        """Return the input and what leaves each layer, by name, in order."""
        found = {INPUT: features}
        for link in self.chain:
            features = link(features)
            found[str(link.name)] = features
        return found


def fold(network: nn.Module, fold_batch_norm: Fold = fold_batch_norm) -> FoldedNetwork:
    """Return a trained network as a chain of layers without batch normalisation.

    Parameters
    ----------
    network
        Made of convolutions, batch normalisation, ReLU, padding, dropout, one average over all
        places and linear layers, run in the order in which they are registered, as those of
        `labs.shared.networks` are; left as it was.
    fold_batch_norm
        Folds one convolution; a student's, for instance.

    Raises
    ------
    ValueError
        If the network holds another kind of layer, naming it, or the chain computes something else.
    """
    was_training = network.training
    network.eval()
    chain = list(_chain(network, fold_batch_norm))
    folded = FoldedNetwork(chain).eval()
    probe = torch.linspace(-2, 2, 4 * 490).reshape(4, 1, 49, 10).to(next(network.parameters()))
    with torch.no_grad():
        want, got = network(probe), folded(probe)
    network.train(was_training)
    off = float((got - want).abs().max() / want.abs().max().clamp_min(1e-9))
    if not off <= _CLOSE:
        raise ValueError(
            f"the folded network's scores are off by {off:.2g} of the largest; check the function "
            "that folds, and that layers run in the order in which they are registered"
        )
    return folded


def _chain(network: nn.Module, fold_batch_norm: Fold) -> Iterator[Layer | Pool]:
    """Yield the layers of a network, each once it is complete."""
    last: Layer | None = None
    padding: tuple[int, ...] = (0, 0, 0, 0)
    seen: Counter[str] = Counter()
    for name, module in network.named_modules():
        if any(module.children()) or isinstance(module, _IDLE):
            continue
        if isinstance(module, nn.ZeroPad2d):
            padding = tuple(module.padding)
        elif isinstance(module, nn.BatchNorm2d) and last is not None:
            _absorb(last, module, fold_batch_norm)
        elif isinstance(module, nn.ReLU) and last is not None:
            last.has_relu = True
        elif isinstance(module, nn.Conv2d | nn.Linear | nn.AdaptiveAvgPool2d):
            if last is not None:
                yield last
            last = None
            if isinstance(module, nn.AdaptiveAvgPool2d):
                yield Pool()
                continue
            seen[kind := kind_of(module)] += 1
            last = Layer(module, f"{kind} {seen[kind]}", padding=_padding(module, padding))
            padding = (0, 0, 0, 0)
        else:
            raise ValueError(f"{name} is a {type(module).__name__}, which this lab cannot fold")
    if last is not None:
        yield last


def _absorb(layer: Layer, norm: nn.BatchNorm2d, fold_batch_norm: Fold) -> None:
    numbers = {
        "gamma": norm.weight.detach(),
        "beta": norm.bias.detach(),
        "mean": norm.running_mean,
        "variance": norm.running_var,
        "eps": norm.eps,
    }
    weight, bias = fold_batch_norm(layer.weight.detach(), layer.bias.detach(), numbers)
    layer.weight = nn.Parameter(torch.as_tensor(weight).to(layer.weight))
    layer.bias = nn.Parameter(torch.as_tensor(bias).to(layer.bias))


def _padding(module: nn.Conv2d | nn.Linear, before: tuple[int, ...]) -> tuple[int, ...]:
    if isinstance(module, nn.Linear):
        return before
    if module.padding in ("same", "valid"):
        raise ValueError(f"padding is {module.padding!r}; give numbers of rows and columns")
    vertical, horizontal = (int(side) for side in module.padding)
    own = (horizontal, horizontal, vertical, vertical)
    return tuple(a + b for a, b in zip(before, own, strict=True))


def kind_of(module: nn.Conv2d | nn.Linear) -> Kind:
    """Return what a layer does: linear, or which kind of convolution.

    Examples
    --------
    >>> kind_of(nn.Conv2d(4, 4, 3, groups=4)), kind_of(nn.Conv2d(4, 8, 1))
    ('depthwise', 'pointwise')
    """
    if isinstance(module, nn.Linear):
        return "linear"
    if module.groups == module.in_channels == module.out_channels > 1:
        return "depthwise"
    return "pointwise" if tuple(module.kernel_size) == (1, 1) else "conv"
