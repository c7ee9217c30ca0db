"""From the lab's quantised network to one in whole numbers.

Scales and biases are those of `quantization.QuantizedNetwork.codes`; what is added here is the
factor of each channel as multiplier and shift, the order height, width, channels, and the average
as an operation of its own.
"""

import numpy as np

from labs.mcu_compression.affine import Grid
from labs.mcu_compression.integer.fixed_point import INT8, multiplier_and_shift
from labs.mcu_compression.integer.layers import Convolution, Layer, Linear, Pool, Tensor
from labs.mcu_compression.integer.network import IntegerNetwork
from labs.mcu_compression.quantization import LayerCodes, QuantizedNetwork

KEYWORD_INPUT = (49, 10, 1)


def integer_network(
    quantized: QuantizedNetwork, *, name: str = "network", shape: tuple[int, ...] = KEYWORD_INPUT
) -> IntegerNetwork:
    """Return a quantised network in whole numbers.

    Parameters
    ----------
    quantized
        With activations of 8 bits; weights of fewer bits are stored as int8 all the same.
    name
        For titles and comments.
    shape
        (height, width, channels) of the input.

    Raises
    ------
    ValueError
        If the activations do not have 8 bits.
    """
    made = _Chain(quantized.codes()[0].input, shape)
    for codes in quantized.codes():
        made.add(codes)
    return IntegerNetwork(name, tuple(made.tensors), tuple(made.layers), 0, len(made.tensors) - 1)


class _Chain:
    """Tensors and layers, one after the other."""

    def __init__(self, grid: Grid, shape: tuple[int, ...]) -> None:
        self.tensors = [_tensor("input", grid, shape)]
        self.layers: list[Layer] = []

    def add(self, codes: LayerCodes) -> None:
        if codes.is_pooled:
            self._add_average(codes.input)
        if codes.kind == "linear":
            self._add_linear(codes)
        else:
            self._add_convolution(codes)

    def _add_average(self, grid: Grid) -> None:
        height, width, channels = self.tensors[-1].shape
        at = self._append("average", grid, (1, 1, channels))
        size = (height, width)
        self.layers.append(Pool("average", (at - 1,), at, kind="average", size=size, stride=size))

    def _add_linear(self, codes: LayerCodes) -> None:
        at = self._append(codes.name, codes.output, (len(codes.weight_codes),))
        multipliers, shifts = factors(codes)
        layer = Linear(
            codes.name,
            (at - 1,),
            at,
            weights=codes.weight_codes,
            biases=codes.bias_codes,
            multipliers=multipliers,
            shifts=shifts,
            input_zero_point=codes.input.zero_point,
            low=_lowest(codes),
        )
        self.layers.append(layer)

    def _add_convolution(self, codes: LayerCodes) -> None:
        weights = np.ascontiguousarray(codes.weight_codes.transpose(0, 2, 3, 1))
        left, right, top, bottom = codes.padding
        height, width, _ = self.tensors[-1].shape
        rows = (height + top + bottom - weights.shape[1]) // codes.stride[0] + 1
        columns = (width + left + right - weights.shape[2]) // codes.stride[1] + 1
        at = self._append(codes.name, codes.output, (rows, columns, len(weights)))
        multipliers, shifts = factors(codes)
        layer = Convolution(
            codes.name,
            (at - 1,),
            at,
            weights=weights,
            biases=codes.bias_codes,
            multipliers=multipliers,
            shifts=shifts,
            input_zero_point=codes.input.zero_point,
            low=_lowest(codes),
            stride=codes.stride,
            padding=(top, bottom, left, right),
            padding_code=codes.input.zero_point,
            groups=codes.groups,
        )
        self.layers.append(layer)

    def _append(self, name: str, grid: Grid, shape: tuple[int, ...]) -> int:
        self.tensors.append(_tensor(name, grid, shape))
        return len(self.tensors) - 1


def factors(codes: LayerCodes) -> tuple[np.ndarray, np.ndarray]:
    """Return multipliers and shifts of a layer, int32 (out,) each."""
    scales = codes.input.scale * codes.weight_scales.astype(np.float64) / codes.output.scale
    pairs = [multiplier_and_shift(float(scale)) for scale in scales]
    multipliers, shifts = np.array(pairs, dtype=np.int32).T
    return multipliers.copy(), shifts.copy()


def _lowest(codes: LayerCodes) -> int:
    return max(INT8[0], codes.output.zero_point) if codes.has_relu else INT8[0]


def _tensor(name: str, grid: Grid, shape: tuple[int, ...]) -> Tensor:
    if grid.bits != 8:
        raise ValueError(f"{name} has {grid.bits} bits; quantise activations to 8 bits")
    return Tensor(name, shape, grid.scale, grid.zero_point)
