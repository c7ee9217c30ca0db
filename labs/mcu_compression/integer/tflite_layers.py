"""Operators of a .tflite file as layers in whole numbers: what each of them means, and its limits.

Factors and limits are computed as TensorFlow Lite for Microcontrollers does when it prepares a
network (its ``*_common.cc`` and ``kernel_util.cc``), in float32 where it does. What an operator
asks for and we do not compute exactly is a ValueError that says so.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.mcu_compression.integer.fixed_point import INT8, multiplier_and_shift
from labs.mcu_compression.integer.layers import (
    Add,
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
from labs.mcu_compression.integer.operators import ADD_SHIFT
from labs.mcu_compression.integer.passes import largest_sums
from labs.mcu_compression.integer.softmax import LONGEST_ROW, exponentials
from labs.mcu_compression.integer.tflite_content import FileContent, FileOperator

LARGEST_SUM = 2**31 - 2**8  # a zero point is added to it within int32
LARGEST_STRIDE = 2**15
SAME = 0
AGAIN = "convert the network again"
SAME_SCALE = 1e-6  # TensorFlow Lite's bound on what a pool may change
BIAS_STEPS = 0.02  # and on what biases may be off, in steps of the output
ACTIVATIONS: dict[int, tuple[float | None, float | None]] = {
    0: (None, None),
    1: (0.0, None),  # RELU
    2: (-1.0, 1.0),  # RELU_N1_TO_1
    3: (0.0, 6.0),  # RELU6
}
Padding = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Step:
    """One operator with the tensors around it.

    Parameters
    ----------
    content
        The file.
    operator
        What is read.
    at, output_at
        Positions of its inputs and its output in the network.
    inputs, output
        These tensors.
    """

    content: FileContent
    operator: FileOperator
    at: tuple[int, ...]
    output_at: int
    inputs: tuple[Tensor, ...]
    output: Tensor

    def named(self, title: str) -> tuple[str, tuple[int, ...], int]:
        """Return what every layer begins with: its name, inputs and output."""
        return title, self.at, self.output_at

    def has(self, number: int) -> bool:
        """Whether an operand that may be left out is there."""
        operands = self.operator.inputs
        return number < len(operands) and operands[number] >= 0

    def constant(self, number: int, kind: str) -> npt.NDArray[Any]:
        """Return an operand that has to be a constant of a kind, as an array of its own."""
        dtype = np.dtype({"INT8": "i1", "INT32": "<i4"}[kind])
        file = self.content.tensors[self.operator.inputs[number]] if self.has(number) else None
        if file is None or file.data is None or file.kind != kind:
            raise ValueError(f"operand {number} is no constant {kind}; quantise weights to INT8")
        if file.data.size != math.prod(file.shape) * dtype.itemsize:
            raise ValueError(
                f"operand {number} has {file.data.size} B for shape {file.shape}; {AGAIN}"
            )
        return np.frombuffer(file.data.tobytes(), dtype).reshape(file.shape)

    def whole(self, *names: str) -> tuple[int, ...]:
        """Return options that are whole numbers."""
        return tuple(int(self.operator.options[name]) for name in names)

    def limits(self) -> tuple[int, int]:
        """Return the ends of the output codes that the activation function leaves."""
        (number,) = self.whole("FusedActivationFunction")
        if number not in ACTIVATIONS:
            raise ValueError(f"activation function {number} is not read; use none, RELU or RELU6")
        ends = list(INT8)
        for end, value in enumerate(ACTIVATIONS[number]):
            if value is not None:
                # The quotient is taken in float32, and halves go away from zero.
                steps = float(np.float32(value) / np.float32(self.output.scale))
                steps = min(math.floor(abs(steps) + 0.5), 256) * (1 if value > 0 else -1)
                ends[end] = max(INT8[0], min(INT8[1], self.output.zero_point + steps))
        return ends[0], ends[1]

    def image(self) -> tuple[int, int, int]:
        """Return height, width and channels of the input."""
        if len(self.inputs[0].shape) != 3:
            raise ValueError(f"its input has shape {self.inputs[0].shape}; give three dimensions")
        height, width, channels = self.inputs[0].shape
        return height, width, channels

    def window(self, size: Sequence[int]) -> tuple[tuple[int, int], Padding]:
        """Return stride and padding of windows over the input, if the output fits them."""
        padding, *stride = self.whole("Padding", "StrideH", "StrideW")
        rows, top, bottom = _along(self.image()[0], size[0], stride[0], is_same=padding == SAME)
        columns, left, right = _along(self.image()[1], size[1], stride[1], is_same=padding == SAME)
        self.expect((rows, columns, *self.output.shape[2:]))
        return (stride[0], stride[1]), (top, bottom, left, right)

    def expect(self, shape: Sequence[int]) -> None:
        """Refuse another output shape than the operator makes."""
        if self.output.shape != tuple(shape) or len(shape) != 3:
            raise ValueError(
                f"its output has shape {self.output.shape}, not {tuple(shape)}; {AGAIN}"
            )

    def expect_elements(self, count: int) -> None:
        """Refuse another number of outputs than the operator makes."""
        if self.output.elements != count:
            raise ValueError(
                f"its output has shape {self.output.shape}, not {count} elements; {AGAIN}"
            )


def _along(length: int, window: int, stride: int, *, is_same: bool) -> tuple[int, int, int]:
    """Return the number of windows in one direction, and the padding before and after."""
    if not (1 <= stride <= LARGEST_STRIDE and 1 <= window <= 2 * length):
        raise ValueError(
            f"windows of {window} in steps of {stride} over {length}; use smaller ones"
        )
    if not is_same:
        return (length - window) // stride + 1, 0, 0
    count = -(-length // stride)
    missing = max((count - 1) * stride + window - length, 0)
    return count, missing // 2, missing - missing // 2


def _weighted(step: Step, weights: npt.NDArray[np.int8], *, axis: int) -> dict[str, Any]:
    """Return what layers with weights have in common; `axis` is that of the output channels."""
    file = step.content.tensors[step.operator.inputs[1]]
    outputs, scales = len(weights), file.scales
    if len(scales) not in (1, outputs) or not np.all((scales > 0) & np.isfinite(scales)):
        raise ValueError(f"{len(scales)} scales for {outputs} channels; one or as many, above 0")
    if np.any(file.zero_points) or (len(scales) > 1 and file.axis != axis):
        raise ValueError("weights have a zero point, or scales along another axis; quantise again")
    source, target = step.inputs[0], step.output
    products = source.scale * scales.astype(np.float64)
    if step.operator.kind == "FULLY_CONNECTED" and len(scales) == 1:
        # Here alone, TensorFlow Lite multiplies the two in float32.
        products = (np.float32(source.scale) * scales).astype(np.float64)
    pairs = [multiplier_and_shift(float(each)) for each in products / target.scale]
    multipliers, shifts = np.array(pairs * (outputs // len(pairs)), np.int32).T
    low, high = step.limits()
    return {
        "weights": np.ascontiguousarray(weights),
        "biases": _biases(step, outputs, products=products),
        "multipliers": multipliers.copy(),
        "shifts": shifts.copy(),
        "input_zero_point": source.zero_point,
        "low": low,
        "high": high,
    }


def _biases(
    step: Step, outputs: int, *, products: npt.NDArray[np.float64]
) -> npt.NDArray[np.int32]:
    if not step.has(2):
        return np.zeros(outputs, np.int32)
    biases = step.constant(2, "INT32").reshape(-1)
    scales = step.content.tensors[step.operator.inputs[2]].scales
    if len(biases) != outputs or len(scales) not in (0, 1, outputs):
        told = f"{len(biases)} biases with {len(scales)} scales for {outputs} channels"
        raise ValueError(f"{told}; {AGAIN}")
    if len(scales) and not np.all(np.abs(products - scales) <= BIAS_STEPS * step.output.scale):
        raise ValueError("biases have another scale than the products they join; quantise again")
    return biases.astype(np.int32)


def _checked(layer: Weighted) -> Weighted:
    """Refuse a layer whose sums may leave int32, also once they are shifted to the left."""
    sums = largest_sums(layer).astype(np.float64) * 2.0 ** np.maximum(layer.shifts, 0)
    if sums.max() > LARGEST_SUM:
        raise ValueError("its sums may leave int32; quantise with smaller weights and biases")
    return layer


def _convolution(step: Step) -> Layer:
    weights = step.constant(1, "INT8")
    is_depthwise = step.operator.kind == "DEPTHWISE_CONV_2D"
    if step.whole("DilationHFactor", "DilationWFactor") != (1, 1):
        raise ValueError("it is dilated; use one without dilation")
    if weights.ndim != 4:
        raise ValueError(f"its weights have shape {weights.shape}; four dimensions are needed")
    if is_depthwise:
        weights = weights.transpose(3, 1, 2, 0)
    outputs, height, width, depth = weights.shape
    channels = step.image()[2]
    if depth != (1 if is_depthwise else channels) or (is_depthwise and outputs % channels):
        raise ValueError(f"its weights are for {depth} of {channels} channels; groups are not read")
    stride, padding = step.window((height, width))
    step.expect((*step.output.shape[:2], outputs))
    title = "pointwise" if (height, width) == (1, 1) else "conv"
    layer = Convolution(
        *step.named("depthwise" if is_depthwise else title),
        **_weighted(step, weights, axis=3 if is_depthwise else 0),
        stride=stride,
        padding=padding,
        padding_code=step.inputs[0].zero_point,
        groups=channels if is_depthwise else 1,
    )
    return _checked(layer)


def _linear(step: Step) -> Layer:
    weights = step.constant(1, "INT8")
    elements = step.inputs[0].elements
    if weights.ndim != 2 or weights.shape[1] != elements or step.whole("WeightsFormat") != (0,):
        raise ValueError(f"its weights have shape {weights.shape} for {elements} inputs; {AGAIN}")
    step.expect_elements(len(weights))
    return _checked(Linear(*step.named("linear"), **_weighted(step, weights, axis=0)))


def _pool(step: Step) -> Layer:
    source, target = step.inputs[0], step.output
    is_same = abs(source.scale - target.scale) <= SAME_SCALE
    if not is_same or source.zero_point != target.zero_point:
        raise ValueError("input and output have other scales; quantise again")
    height, width = step.whole("FilterHeight", "FilterWidth")
    stride, padding = step.window((height, width))
    step.expect((*target.shape[:2], step.image()[2]))
    kind = "max" if step.operator.kind == "MAX_POOL_2D" else "average"
    low, high = step.limits()
    return Pool(
        *step.named(kind),
        kind=kind,
        size=(height, width),
        stride=stride,
        padding=padding,
        low=low,
        high=high,
    )


def _mean(step: Step) -> Layer:
    height, width, channels = step.image()
    axes = sorted(int(each) % 4 for each in step.constant(1, "INT32").reshape(-1)[:5])
    if axes != [1, 2]:
        raise ValueError(f"it goes over axes {axes}; only over height and width, 1 and 2")
    step.expect_elements(channels)
    places = height * width
    multiplier, shift = multiplier_and_shift(step.inputs[0].scale / step.output.scale)
    if places * 255 * 2.0 ** max(shift, 0) > LARGEST_SUM:
        raise ValueError("its sums may leave int32; take the mean over fewer places")
    # The division is part of the factor: 2**raised is at most the number of places.
    raised = min(places.bit_length() - 1, 31 + shift)
    multiplier = (multiplier << raised) // places
    return Mean(*step.named("mean"), multiplier=multiplier, shift=shift - raised)


def _add(step: Step) -> Layer:
    if len({tensor.shape for tensor in (*step.inputs, step.output)}) != 1 or len(step.at) != 2:
        shapes = [tensor.shape for tensor in step.inputs]
        raise ValueError(f"its inputs have shapes {shapes}; only two of one shape are added")
    scales = [tensor.scale for tensor in step.inputs]
    twice = 2 * max(scales)
    factors = [each / twice for each in scales] + [twice / (step.output.scale * 2**ADD_SHIFT)]
    if factors[2] >= 1:
        raise ValueError("the scale of its output is too small for its inputs; quantise again")
    pairs = [multiplier_and_shift(factor) for factor in factors]
    low, high = step.limits()
    return Add(
        *step.named("add"),
        multipliers=(pairs[0][0], pairs[1][0], pairs[2][0]),
        shifts=(pairs[0][1], pairs[1][1], pairs[2][1]),
        low=low,
        high=high,
    )


def _softmax(step: Step) -> Layer:
    source, target = step.inputs[0], step.output
    if target.shape != source.shape or target.shape[-1] > LONGEST_ROW:
        raise ValueError(f"from {source.shape} to {target.shape}; up to {LONGEST_ROW} classes")
    if (target.scale, target.zero_point) != (1 / 256, INT8[0]):
        raise ValueError("its output is not in steps of 1/256 from -128; quantise again")
    beta = float(step.operator.options["Beta"])
    return Softmax(*step.named("softmax"), exponentials=exponentials(beta * source.scale))


def _reshape(step: Step) -> Layer:
    step.expect_elements(step.inputs[0].elements)
    return Reshape(*step.named("reshape"))


def _pad(step: Step) -> Layer:
    height, width, channels = step.image()
    around = step.constant(1, "INT32")
    if around.shape != (4, 2) or around.min() < 0 or around[[0, 3]].any():
        raise ValueError(f"it pads by {around.tolist()}; only height and width, by 0 or more")
    (top, bottom), (left, right) = around[1].tolist(), around[2].tolist()
    step.expect((height + top + bottom, width + left + right, channels))
    code = step.inputs[0].zero_point
    if (step.output.scale, step.output.zero_point) != (step.inputs[0].scale, code):
        raise ValueError("input and output have other scales; quantise again")
    return Pad(*step.named("pad"), padding=(top, bottom, left, right), code=code)


READERS: dict[str, Callable[[Step], Layer]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "FULLY_CONNECTED": _linear,
    "AVERAGE_POOL_2D": _pool,
    "MAX_POOL_2D": _pool,
    "MEAN": _mean,
    "ADD": _add,
    "SOFTMAX": _softmax,
    "RESHAPE": _reshape,
    "PAD": _pad,
}
