"""Pointwise layers whose weights are -1, 0 and +1: trained, put beside int8, and their size.

The pointwise layers hold three quarters of the keyword network's weights. Here theirs become binary
(-1, +1) or ternary (-1, 0, +1) times a factor for each output channel, while the network trains:
the forward pass takes the rounded weights, the gradient passes straight through to the real ones
behind them (BinaryConnect, arXiv 1511.00363). With ``sign`` activations the pointwise layers read
one bit an input as well, so that XOR and counting bits replace multiplying (XNOR-Net, arXiv
1603.05279). As is usual there, the first convolution and the last layer keep 8 bits; so do the
depthwise layers, which have nine weights a channel. What runs on a device is `binary_code`.
"""

import copy
import math
from collections.abc import Mapping
from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from labs.mcu_compression import training
from labs.mcu_compression.affine import Grid
from labs.mcu_compression.channels import Network
from labs.mcu_compression.folding import INPUT, FoldedNetwork, Layer, fold
from labs.mcu_compression.quantization import LayerCodes, QuantizedNetwork, calibrate

Weights = Literal["binary", "ternary"]
Activations = Literal["int8", "sign"]
SIGN_GRID = Grid(1.0, 0, bits=2)  # -1 and +1 lie on it exactly
TERNARY_SHARE = 0.7  # of the mean magnitude; weights below become 0 (arXiv 1605.04711, eq. 6)
WORD_BITS = 32
CHUNK = 200  # clips at a time, for statistics
SETTINGS = training.Settings(epochs=4, learning_rate=5e-3)


def low_bit_codes(weights: Tensor, kind: Weights) -> tuple[Tensor, Tensor]:
    """Return the codes of weights and the factor of each output channel that errs least.

    Parameters
    ----------
    weights
        (out, ...), finite.
    kind
        ``binary``: codes -1 and +1, 0 counting as +1. ``ternary``: -1, 0 and +1.

    Returns
    -------
    tuple of Tensor
        Codes of the shape of the weights, and factors (out, 1, ...), >= 0: the mean magnitude of
        the weights whose code is not 0.

    Raises
    ------
    ValueError
        If there is no such kind, naming those there are.

    Examples
    --------
    >>> codes, factors = low_bit_codes(torch.tensor([[3.0, -1.0, 0.25, -4.0]]), "ternary")
    >>> codes.tolist(), factors.tolist()
    ([[1.0, 0.0, 0.0, -1.0]], [[3.5]])
    """
    _check("weights", kind, Weights)
    magnitudes, rest = weights.detach().abs(), tuple(range(1, weights.dim()))
    codes = signs(weights.detach())
    if kind == "ternary":
        is_small = magnitudes <= TERNARY_SHARE * magnitudes.mean(rest, keepdim=True)
        codes = codes.masked_fill(is_small, 0.0)
    counts = codes.abs().sum(rest, keepdim=True).clamp_min(1)
    return codes, (magnitudes * codes.abs()).sum(rest, keepdim=True) / counts


def signs(x: Tensor) -> Tensor:
    """Return +1 where a value is 0 or more, -1 elsewhere."""
    return torch.where(x >= 0, 1.0, -1.0)


class Sign(nn.Module):
    """The sign of each value; the gradient is that of tanh, near 0 where the sign will not flip."""

    def forward(self, x: Tensor) -> Tensor:
        """Return -1 or +1 for each value, 0 counting as +1."""
        smooth = torch.tanh(x)
        return smooth + (signs(x) - smooth).detach()


class LowBitPointwise(nn.Module):
    """A pointwise convolution that computes with binary or ternary weights, straight-through.

    Parameters
    ----------
    source
        The convolution whose weights and bias it begins with; left as it was.
    kind
        ``binary`` or ``ternary``.
    """

    def __init__(self, source: nn.Conv2d, kind: Weights) -> None:
        super().__init__()
        bias = torch.zeros(len(source.weight)) if source.bias is None else source.bias
        self.weight = nn.Parameter(source.weight.detach().clone())
        self.bias = nn.Parameter(bias.detach().clone())
        self.kind: Weights = kind

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, out, height, width) of (batch, in, height, width)."""
        rounded = self.rounded()
        weight = self.weight + (rounded - self.weight).detach()
        return functional.conv2d(x, weight, self.bias)

    def rounded(self) -> Tensor:
        """Return the weights that it computes with, (out, in, 1, 1)."""
        codes, factors = low_bit_codes(self.weight, self.kind)
        return codes * factors


def low_bit(
    network: Network, *, weights: Weights = "binary", activations: Activations = "int8"
) -> Network:
    """Return a copy of a network with low-bit pointwise layers, not trained yet.

    Parameters
    ----------
    network
        In float32, trained; left as it was.
    weights
        ``binary`` or ``ternary``.
    activations
        What the pointwise layers read: ``int8`` leaves the ReLU before them, ``sign`` puts the sign
        of the normalised value in its place.

    Raises
    ------
    ValueError
        If there is no such kind, naming those there are.
    """
    _check("weights", weights, Weights)
    _check("activations", activations, Activations)
    changed = copy.deepcopy(network)
    for block in changed.blocks:
        layers = cast(nn.Sequential, block)
        layers[3] = LowBitPointwise(cast(nn.Conv2d, layers[3]), weights)
        if activations == "sign":
            layers[2] = Sign()
    return changed


def train(
    network: Network,
    examples: training.Examples,
    *,
    weights: Weights = "binary",
    activations: Activations = "int8",
    settings: training.Settings = SETTINGS,
) -> Network:
    """Return a low-bit copy of a trained network, trained on for a few passes.

    Parameters
    ----------
    network
        In float32; where training begins. Left as it was.
    examples
        Features (n, 1, 49, 10), for instance of `keywords.augmented`, and what to answer: labels
        (n,), or the teacher's probabilities (n, classes) to learn without labels.
    weights, activations
        As for `low_bit`.
    settings
        Passes, clips a step, learning rate and seed. Signs need more passes than weights alone.

    Notes
    -----
    A few weights that change sign change the statistics of their layer at once, faster than
    running averages follow. So these are taken anew at the end, over all examples.
    """
    tuned = low_bit(network, weights=weights, activations=activations)
    training.tune(tuned, examples, settings=settings)
    refresh_statistics(tuned, examples[0])
    return tuned


@torch.no_grad()
def refresh_statistics(network: nn.Module, features: Tensor) -> None:
    """Set mean and variance of batch normalisation to those over some clips, in place.

    Parameters
    ----------
    network
        In evaluation mode afterwards.
    features
        (n, 1, 49, 10), n > 1.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    momenta = [layer.momentum for layer in layers]
    network.eval()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a plain average over all chunks
        layer.train()
    for chunk in torch.chunk(features, -(-len(features) // CHUNK)):  # of nearly the same length
        network(chunk.to(training.device_of(network)))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    network.eval()


class SignedLayer(Layer):
    """A folded layer that hands on the sign of its output instead of the output.

    Weights, bias and batch normalisation are folded, and a sign has no scale: on a device the bias
    is all that is left of them, as the threshold that the integer sum is compared with.

    Parameters
    ----------
    layer
        Its parameters are shared.
    """

    def __init__(self, layer: Layer) -> None:
        nn.Module.__init__(self)  # there is no convolution to take weights over from
        self.weight, self.bias = layer.weight, layer.bias
        self.name, self.kind, self.padding = layer.name, layer.kind, layer.padding
        self.stride, self.groups, self.has_relu = layer.stride, layer.groups, False

    def apply_weights(self, x: Tensor, weight: Tensor, *, bias: Tensor) -> Tensor:
        """Return -1 or +1 for each output, for `x` with `weight` and `bias`."""
        return signs(super().apply_weights(x, weight, bias=bias))


class LowBitNetwork(QuantizedNetwork):
    """A network with low-bit pointwise layers and all the rest in 8 bits.

    It is simulated like any `QuantizedNetwork`: a weight of -1, 0 or +1 times a factor is exact in
    8 bits.

    Parameters
    ----------
    folded
        With low-bit weights in its pointwise layers; copied.
    grids
        Grid of the input and of each layer's output, by name.
    weights, activations
        As for `low_bit`.
    """

    def __init__(
        self,
        folded: FoldedNetwork,
        grids: Mapping[str, Grid],
        *,
        weights: Weights,
        activations: Activations,
    ) -> None:
        super().__init__(folded, grids, weight_bits=8)
        self.weights, self.activations = weights, activations

    @property
    def size_bytes(self) -> int:
        """Bytes shipped: weights, two numbers a channel (one before a sign), grids.

        Rows of low-bit weights fill whole 32-bit words; ternary ones take two bits a weight.
        """
        grids = [grid for name, grid in self.grids.items() if not self.is_signed(name)]
        return sum(map(self._layer_bytes, self.codes())) + 5 * len(grids)

    @property
    def sparse_size_bytes(self) -> int:
        """The same: a ternary weight's bit that says "not 0" is counted already."""
        return self.size_bytes

    def is_signed(self, name: str) -> bool:
        """Whether a layer, by its name, hands on signs."""
        return name != INPUT and isinstance(self.folded.layers[name], SignedLayer)

    def _layer_bytes(self, layer: LayerCodes) -> int:
        outputs = len(layer.weight_codes)
        if layer.kind == "pointwise":
            words = math.ceil(math.prod(layer.weight_codes.shape[1:]) / WORD_BITS)
            return outputs * (4 * words * (2 if self.weights == "ternary" else 1) + 8)
        numbers = outputs * (4 if self.is_signed(layer.name) else 8)
        return math.prod(layer.weight_codes.shape) + numbers


def quantize(network: Network, calibration: Tensor) -> LowBitNetwork:
    """Return a network that `train` made as a device runs it: low bits, and 8 bits elsewhere.

    Parameters
    ----------
    network
        From `train` or `low_bit`; left as it was.
    calibration
        Features (n, 1, 49, 10) that the ranges of the activations are taken from.

    Raises
    ------
    ValueError
        If the network has no low-bit layer.
    """
    plain = copy.deepcopy(network).eval()
    kinds: set[Weights] = set()
    activations: Activations = "int8"
    for name, layer in list(plain.named_modules()):
        if isinstance(layer, LowBitPointwise):
            kinds.add(layer.kind)
            plain.set_submodule(name, _plain(layer))
        elif isinstance(layer, Sign):
            activations = "sign"
            plain.set_submodule(name, nn.Identity())
    if not kinds:
        raise ValueError("no layer has low-bit weights; give a network that train made")
    folded = fold(plain)
    if activations == "sign":
        folded.chain = nn.ModuleList(map(_signed, folded.chain))
    grids = calibrate(folded, calibration)
    grids |= {n: SIGN_GRID for n, link in folded.layers.items() if isinstance(link, SignedLayer)}
    return LowBitNetwork(folded, grids, weights=kinds.pop(), activations=activations)


def _plain(layer: LowBitPointwise) -> nn.Conv2d:
    outputs, inputs = layer.weight.shape[:2]
    with torch.device("meta"):  # no numbers are drawn that are thrown away
        made = nn.Conv2d(inputs, outputs, 1)
    made.weight, made.bias = nn.Parameter(layer.rounded()), nn.Parameter(layer.bias.detach())
    return made


def _signed(link: nn.Module) -> nn.Module:
    is_filter = isinstance(link, Layer) and link.kind == "depthwise"
    return SignedLayer(link) if is_filter and isinstance(link, Layer) else link


def _check(name: str, value: str, allowed: object) -> None:
    if value not in get_args(allowed):
        raise ValueError(f"{name} is {value!r}; give {' or '.join(get_args(allowed))}")
