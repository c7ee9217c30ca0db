"""The keyword network in few bits: calibrated, rounded, trained on, and its size.

Weights are symmetric whole numbers with a scale for each output channel, activations asymmetric
int8 with one scale and zero point a tensor, biases int32 with the scale of input times weight: the
arithmetic of TensorFlow Lite. A `QuantizedNetwork` simulates it in float32 with PyTorch's own
fake-quantise operators, whose gradient passes straight through, and hands over the whole numbers.
It runs no integers itself, so it is no faster than float32.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from course_utils import memory
from labs.mcu_compression import training
from labs.mcu_compression.affine import Grid, check_bits, percentile_range
from labs.mcu_compression.folding import INPUT, Fold, FoldedNetwork, Layer, fold, fold_batch_norm

MAX_WEIGHT_BITS = 8
# Keeps every int32 sum below 2**30, which the fast integer kernels ask for: the products add at
# most 127 * 255 * 640 < 2**25 to it.
BIAS_LIMIT = 2**29
SHARES = torch.linspace(0.2, 1.0, 17)  # of the scale that holds a channel's largest weight


@dataclass(frozen=True, eq=False)
class LayerCodes:
    """What a device needs of one layer: whole numbers, and the scales to read them.

    Parameters
    ----------
    name, kind
        Such as ``depthwise 2`` and ``depthwise``.
    weight_codes
        int8, (out, in / groups, height, width), of a linear layer (out, in).
    weight_scales
        float32, (out,).
    bias_codes
        int32, (out,), in steps of input scale times weight scale.
    input, output
        Grids of the activations.
    stride
        Rows and columns from one output to the next.
    padding
        Zeros around the input (its zero point): left, right, top, bottom.
    groups
        As of `torch.nn.Conv2d`.
    has_relu
        Whether negative outputs become 0, which the grid of the output does by itself.
    is_pooled
        Whether the input is first averaged over all places, and rounded on its own grid.
    """

    name: str
    kind: str
    weight_codes: npt.NDArray[np.int8]
    weight_scales: npt.NDArray[np.float32]
    bias_codes: npt.NDArray[np.int32]
    input: Grid
    output: Grid
    stride: tuple[int, int]
    padding: tuple[int, ...]
    groups: int
    has_relu: bool
    is_pooled: bool


class QuantizedNetwork(nn.Module):
    """A folded network that computes with rounded weights, biases and activations.

    The scales of the weights follow from the weights at every call, so it can be trained on; the
    grids of the activations stay as they are.

    Parameters
    ----------
    folded
        The network without batch normalisation; copied.
    grids
        Grid of the input and of each layer's output, by name.
    weight_bits
        Bits of a weight, 2 to 8.
    has_least_error
        Whether the scale of a channel is the one that errs least, rather than the one that holds
        its largest weight.
    """

    def __init__(
        self,
        folded: FoldedNetwork,
        grids: Mapping[str, Grid],
        *,
        weight_bits: int,
        has_least_error: bool = False,
    ) -> None:
        super().__init__()
        check_bits(weight_bits)
        if weight_bits > MAX_WEIGHT_BITS:
            raise ValueError(f"weight_bits is {weight_bits}; give 2 to {MAX_WEIGHT_BITS}")
        self.folded = copy.deepcopy(folded)
        self.grids = dict(grids)
        self.weight_bits = weight_bits
        self.has_least_error = has_least_error

    def forward(self, x: Tensor) -> Tensor:
        """Return the rounded logits, (batch, classes), of features, (batch, 1, 49, 10)."""
        return list(self.values(x).values())[-1]

    def values(self, x: Tensor) -> dict[str, Tensor]:
        """Return the rounded input and the rounded output of each layer, by name, in order."""
        grid = self.grids[INPUT]
        found = {INPUT: torch_fake_quantize(x, grid)}
        x = found[INPUT]
        for link in self.folded.chain:
            if isinstance(link, Layer):
                weight, bias = self._rounded(link, grid)
                x = link.apply_weights(x, weight, bias=bias)
                grid = self.grids[link.name]
            else:
                x = link(x)  # an average stays on the grid of what it averages
            x = found[str(link.name)] = torch_fake_quantize(x, grid)
        return found

    def codes(self) -> list[LayerCodes]:
        """Return the layers with weights as whole numbers, in their order."""
        grid, is_pooled, found = self.grids[INPUT], False, []
        for link in self.folded.chain:
            if isinstance(link, Layer):
                found.append(self._codes(link, grid, is_pooled=is_pooled))
                grid = self.grids[link.name]
            is_pooled = not isinstance(link, Layer)
        return found

    def _codes(self, layer: Layer, grid: Grid, *, is_pooled: bool) -> LayerCodes:
        scales = self._scales(layer, grid)
        weights = layer.weight.detach() / scales.reshape(-1, *[1] * (layer.weight.dim() - 1))
        biases = layer.bias.detach().double() / (grid.scale * scales.double())
        return LayerCodes(
            name=layer.name,
            kind=layer.kind,
            weight_codes=torch.round(weights).cpu().numpy().astype(np.int8),
            weight_scales=scales.cpu().numpy(),
            bias_codes=torch.round(biases).cpu().numpy().astype(np.int32),
            input=grid,
            output=self.grids[layer.name],
            stride=layer.stride,
            padding=layer.padding,
            groups=layer.groups,
            has_relu=layer.has_relu,
            is_pooled=is_pooled,
        )

    @property
    def size_bytes(self) -> int:
        """Bytes shipped: packed weights and their scales, int32 biases, grids of activations."""
        return self._bytes(is_sparse=False)

    @property
    def sparse_size_bytes(self) -> int:
        """The same without the codes that are 0, and a bit a weight that says which those are."""
        return self._bytes(is_sparse=True)

    def _bytes(self, *, is_sparse: bool) -> int:
        layers, grids = self.codes(), len(self.grids)
        weights = (
            memory.QuantizedTensor(
                elements=int(np.count_nonzero(codes)) if is_sparse else codes.size,
                bits=self.weight_bits,
                scales=len(codes),
                mask_elements=codes.size if is_sparse else 0,
            )
            for codes in (layer.weight_codes for layer in layers)
        )
        biases = sum(layer.bias_codes.size for layer in layers)
        others = memory.QuantizedTensor(elements=biases, bits=32, scales=grids, zero_points=grids)
        return sum(tensor.size_bytes for tensor in weights) + others.size_bytes

    def _scales(self, layer: Layer, grid: Grid) -> Tensor:
        """Return the scale of each output channel, (out,), float32."""
        top = 2 ** (self.weight_bits - 1) - 1
        rows = layer.weight.detach().flatten(1)
        scales = rows.abs().amax(1) / top
        if self.has_least_error:
            scales = scales * _least_error(rows, scales, top=top)
        # Weights that are tiny beside their bias get a coarser step, or its code would not fit.
        fitting = layer.bias.detach().abs() / (grid.scale * BIAS_LIMIT)
        scales = torch.maximum(scales, fitting)
        return torch.where(scales < torch.finfo(scales.dtype).tiny, 1.0, scales)

    def _rounded(self, layer: Layer, grid: Grid) -> tuple[Tensor, Tensor]:
        """Return weights and biases on their grids, with straight-through gradients."""
        scales, top = self._scales(layer, grid), 2 ** (self.weight_bits - 1) - 1
        zeros = torch.zeros_like(scales, dtype=torch.int32)
        weight = torch.fake_quantize_per_channel_affine(layer.weight, scales, zeros, 0, -top, top)
        step = grid.scale * scales
        rounded = torch.round(layer.bias.detach() / step) * step
        return weight, layer.bias + (rounded - layer.bias).detach()


def _least_error(rows: Tensor, scales: Tensor, *, top: int) -> Tensor:
    """Return for each row of weights by which share of its scale rounding errs least."""
    tried = SHARES.to(rows)[:, None] * torch.where(scales > 0, scales, 1.0)
    codes = torch.round(rows / tried[..., None]).clamp_(-top, top)
    errors = (codes.mul_(tried[..., None]) - rows).square().sum(-1)
    return SHARES.to(rows)[errors.argmin(0)]


def quantize_network(
    network: nn.Module,
    calibration: Tensor,
    *,
    weight_bits: int,
    activation_bits: int = 8,
    percent: float = 100.0,
    fold_batch_norm: Fold = fold_batch_norm,
) -> QuantizedNetwork:
    """Return a trained network in few bits, without training it on.

    Parameters
    ----------
    network
        As for `folding.fold`, or folded already; left as it was.
    calibration
        Features (n, 1, 49, 10) that the ranges of the activations are taken from: some training
        clips, never those that the network is judged by.
    weight_bits, activation_bits
        Bits of a weight, 2 to 8, and of an activation.
    percent
        Share of an activation's values that its range holds; 100 for minimum and maximum.
    fold_batch_norm
        Folds one convolution; a student's, for instance.
    """
    folded = network if isinstance(network, FoldedNetwork) else fold(network, fold_batch_norm)
    grids = calibrate(folded, calibration, bits=activation_bits, percent=percent)
    return QuantizedNetwork(folded, grids, weight_bits=weight_bits)


def calibrate(
    folded: FoldedNetwork, features: Tensor, *, bits: int = 8, percent: float = 100.0
) -> dict[str, Grid]:
    """Return the grid of the input and of each layer's output, by name.

    Parameters
    ----------
    folded
        Left as it was.
    features
        (n, 1, 49, 10), n >= 1.
    bits
        Bits of an activation.
    percent
        Share of the values inside the range, see `affine.percentile_range`.
    """
    names = [INPUT, *folded.layers]
    found = folded.activations(features)
    ranges = {name: percentile_range(found[name].cpu().numpy(), percent) for name in names}
    return {name: Grid.spanning(*ranges[name], bits=bits) for name in names}


def retrain(
    quantized: QuantizedNetwork,
    teacher: nn.Module,
    *,
    features: Tensor,
    settings: training.Settings,
) -> QuantizedNetwork:
    """Return a copy that was trained on with its rounding in place (QAT).

    It learns to answer as the teacher does, not from labels: whatever it gains, it gains by coping
    with the rounding, not by having seen more clips than the teacher. Scales are those that err
    least: a few weights may saturate so that the others keep more than one code.

    Parameters
    ----------
    quantized
        Left as it was.
    teacher
        The network in float32.
    features
        (n, 1, 49, 10), to learn on.
    settings
        Passes, clips a step, learning rate and seed.
    """
    tuned = copy.deepcopy(quantized)
    tuned.has_least_error = True
    answers = torch.softmax(training.logits(teacher, features), 1)
    training.tune(tuned, (features, answers), settings=settings)
    return tuned


def changes(before: QuantizedNetwork, after: QuantizedNetwork) -> list[dict[str, str]]:
    """Return for each layer what training on did to it.

    Parameters
    ----------
    before, after
        The same network, before and after `retrain`.

    Returns
    -------
    list of dict
        ``layer``, the share of weight codes that are 0 before and after and of those that changed,
        the median change of a scale, and the root of the mean squared change of a bias, both
        relative to what they were.
    """
    rows = []
    layers = zip(before.folded.layers.values(), after.folded.layers.values(), strict=True)
    for old, new, (a, b) in zip(before.codes(), after.codes(), layers, strict=True):
        scale_ratio = np.median(np.abs(new.weight_scales / old.weight_scales - 1))
        bias_change = (b.bias - a.bias).detach().norm() / a.bias.detach().norm()
        shares = {
            "0, rounded": np.mean(old.weight_codes == 0),
            "0, trained on": np.mean(new.weight_codes == 0),
            "codes changed": np.mean(old.weight_codes != new.weight_codes),
            "scales changed by": scale_ratio,
            "biases changed by": float(bias_change),
        }
        rows.append({"layer": old.name} | {name: f"{share:.0%}" for name, share in shares.items()})
    return rows


def torch_fake_quantize(x: Tensor, grid: Grid) -> Tensor:
    """Return values rounded to a grid as PyTorch's own operator does, straight-through.

    Parameters
    ----------
    x
        Any shape, float.
    grid
        What to round to.

    Examples
    --------
    >>> torch_fake_quantize(torch.tensor([0.7, 1.4]), Grid(0.5, -1, bits=2)).tolist()
    [0.5, 1.0]
    """
    if torch.is_grad_enabled():
        return torch.fake_quantize_per_tensor_affine(
            x, grid.scale, grid.zero_point, grid.lowest, grid.highest
        )
    # The operator also keeps what the gradient needs; its arithmetic alone is twice as fast.
    codes = torch.round(x * (1.0 / grid.scale)).add_(grid.zero_point)
    return codes.clamp_(grid.lowest, grid.highest).sub_(grid.zero_point).mul_(grid.scale)
