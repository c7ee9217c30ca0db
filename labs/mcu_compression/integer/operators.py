"""What each layer of a network in whole numbers computes: the reference for every other machine.

Sums of products are formed by float64 matrix products, which are exact up to 2**53, far beyond the
int32 that a device has. Nothing here is fast on purpose, or written for a device.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.mcu_compression.integer.fixed_point import Integers, clamped, scaled
from labs.mcu_compression.integer.layers import (
    Add,
    Codes,
    Convolution,
    Layer,
    Linear,
    Mean,
    Pad,
    Pool,
    Reshape,
    Softmax,
    Tensor,
    Weighted,
)
from labs.mcu_compression.integer.softmax import softmax

ADD_SHIFT = 20  # inputs of a sum are raised by so many bits before they are scaled

Sums = npt.NDArray[np.int64]
Operator = Callable[[Any, Sequence[Codes], Sequence[Tensor], Tensor], Codes]


def compute(
    layer: Layer, codes: Sequence[Codes], *, inputs: Sequence[Tensor], output: Tensor
) -> Codes:
    """Return what leaves a layer, (batch, ...).

    Parameters
    ----------
    layer
        What to compute.
    codes
        What enters it, each (batch, ...).
    inputs, output
        The tensors that these are.

    Raises
    ------
    TypeError
        If the layer is of a kind that has no operator here.
    """
    for kind, operator in OPERATORS.items():
        if isinstance(layer, kind):
            found = operator(layer, codes, inputs, output)
            return found.reshape(len(codes[0]), *output.shape)
    raise TypeError(f"{layer.name} is a {type(layer).__name__}, which has no operator")


def sums_of(layer: Weighted, codes: Codes) -> Sums:
    """Return the sums before requantisation, (batch, ..., out), biases included."""
    if isinstance(layer, Convolution):
        windows = _windows(layer, codes) - layer.input_zero_point
        sums = _depthwise(layer, windows) if layer.is_depthwise else _products(layer, windows)
    else:
        flat = codes.reshape(len(codes), -1).astype(np.float64) - layer.input_zero_point
        sums = flat @ layer.weights.T.astype(np.float64)
    return sums.astype(np.int64) + layer.biases


def _windows(layer: Convolution, codes: Codes) -> npt.NDArray[np.float64]:
    """Return what each output place reads, (batch, rows, columns, height, width, channels)."""
    top, bottom, left, right = layer.padding
    around = ((0, 0), (top, bottom), (left, right), (0, 0))
    padded = np.pad(codes, around, constant_values=layer.padding_code)
    return _views(padded, layer.weights.shape[1:3], layer.stride).astype(np.float64)


def _views(padded: Integers, size: Sequence[int], stride: Sequence[int]) -> Integers:
    views = np.lib.stride_tricks.sliding_window_view(padded, tuple(size), axis=(1, 2))
    return np.moveaxis(views[:, :: stride[0], :: stride[1]], 3, -1)


def _products(layer: Convolution, windows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    rows = windows.reshape(*windows.shape[:3], -1)
    return rows @ layer.weights.reshape(layer.outputs, -1).T.astype(np.float64)


def _depthwise(layer: Convolution, windows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    repeated = np.repeat(windows, layer.outputs // layer.groups, axis=-1)
    weights = layer.weights[..., 0].astype(np.float64)
    sums: npt.NDArray[np.float64] = np.einsum("brchwo,ohw->brco", repeated, weights)
    return sums


def _weighted(
    layer: Weighted, codes: Sequence[Codes], _inputs: Sequence[Tensor], output: Tensor
) -> Codes:
    sums = scaled(sums_of(layer, codes[0]), multipliers=layer.multipliers, shifts=layer.shifts)
    return clamped(sums + output.zero_point, low=layer.low, high=layer.high)


def _pool(layer: Pool, codes: Sequence[Codes], _inputs: Sequence[Tensor], _output: Tensor) -> Codes:
    top, bottom, left, right = layer.padding
    around = ((0, 0), (top, bottom), (left, right), (0, 0))
    if layer.kind == "max":
        padded = np.pad(codes[0], around, constant_values=-128)
        largest = _views(padded, layer.size, layer.stride).max((3, 4))
        return clamped(largest, low=layer.low, high=layer.high)
    inside = np.pad(np.ones_like(codes[0], dtype=np.int64), around)
    padded = np.pad(codes[0].astype(np.int64), around)
    counts = _views(inside, layer.size, layer.stride).sum((3, 4))
    sums = _views(padded, layer.size, layer.stride).sum((3, 4))
    # To the nearest, halves away from zero: C's division goes towards zero.
    means = np.sign(sums) * ((np.abs(sums) + counts // 2) // counts)
    return clamped(means, low=layer.low, high=layer.high)


def _mean(layer: Mean, codes: Sequence[Codes], inputs: Sequence[Tensor], output: Tensor) -> Codes:
    places = codes[0].shape[1] * codes[0].shape[2]
    sums = codes[0].sum((1, 2), dtype=np.int64) - inputs[0].zero_point * places
    found = scaled(sums, multipliers=layer.multiplier, shifts=layer.shift)
    return clamped(found + output.zero_point)


def _add(layer: Add, codes: Sequence[Codes], inputs: Sequence[Tensor], output: Tensor) -> Codes:
    total = np.zeros(codes[0].shape, np.int64)
    *factors, last = zip(layer.multipliers, layer.shifts, strict=True)
    for each, tensor, (multiplier, shift) in zip(codes, inputs, factors, strict=True):
        raised = (each.astype(np.int64) - tensor.zero_point) << ADD_SHIFT
        total += scaled(raised, multipliers=multiplier, shifts=shift)
    found = scaled(total, multipliers=last[0], shifts=last[1]) + output.zero_point
    return clamped(found, low=layer.low, high=layer.high)


def _softmax(
    layer: Softmax, codes: Sequence[Codes], _inputs: Sequence[Tensor], _output: Tensor
) -> Codes:
    return softmax(codes[0], layer.exponentials)


def _reshape(
    _layer: Reshape, codes: Sequence[Codes], _inputs: Sequence[Tensor], _output: Tensor
) -> Codes:
    return codes[0]


def _pad(layer: Pad, codes: Sequence[Codes], _inputs: Sequence[Tensor], _output: Tensor) -> Codes:
    top, bottom, left, right = layer.padding
    around = ((0, 0), (top, bottom), (left, right), (0, 0))
    return np.pad(codes[0], around, constant_values=layer.code)


OPERATORS: dict[type[Layer], Operator] = {
    Convolution: _weighted,
    Linear: _weighted,
    Pool: _pool,
    Mean: _mean,
    Add: _add,
    Softmax: _softmax,
    Reshape: _reshape,
    Pad: _pad,
}
