"""The fastest C: two channels in one half-word, in place, short requantisation.

For the DSP extension of Cortex-M4, M7 and M33.

- Weights of two output channels lie in one half-word, 256 * a + b: one SMLAD adds to both sums.
- Four places share each weight that is loaded; codes are widened once for all channels.
- Requantisation is one SMMULR, an addition, a shift and a saturation.
- Depthwise layers work on one channel at a time, two columns an instruction, over their own input.

Where this could differ from the reference by a bit, the layer is left to the stage before
(`is_exact` says when). The C itself is in `fast_text`, depthwise layers in `fast_depthwise`.
"""

import dataclasses

import numpy as np
import numpy.typing as npt

from labs.mcu_compression.c_code import fast_depthwise, simd
from labs.mcu_compression.c_code import fast_parts as parts
from labs.mcu_compression.c_code import fast_text as text
from labs.mcu_compression.c_code.code import LayerCode, Place
from labs.mcu_compression.integer.fixed_point import scaled
from labs.mcu_compression.integer.layers import Convolution, Linear, Weighted
from labs.mcu_compression.integer.passes import largest_sums

PRELUDE = simd.PRELUDE + "\n" + text.PRELUDE
LARGEST_SHIFT = 23  # (2 * zero point + 1) << 23 still fits 32 bits


def write(place: Place) -> LayerCode:
    """Return the fastest exact code for a layer."""
    layer = place.layer
    if isinstance(layer, Weighted):
        short = shortened(layer)
        if is_exact(short):
            place = dataclasses.replace(place, layer=short)
            if isinstance(short, Linear):
                return _linear(place, short)
            if isinstance(short, Convolution):
                if short.is_depthwise:
                    return fast_depthwise.write(place, short)
                return _pointwise(place, short) if _is_plain(short) else _convolution(place, short)
    return simd.write(place)


def shortened(layer: Weighted) -> Weighted:
    """Return a layer whose channels that always round to 0 have the multiplier and shift 0.

    Dead channels have factors as small as 2**-31, for which there is no short requantisation, and
    need none.
    """
    # Rounded as the network rounds: 0.49 of a step can become half a step, and that a whole one.
    # A larger sum never gets a smaller code, so both ends speak for all between them.
    ends = np.stack([largest_sums(layer), -largest_sums(layer)])
    is_dead = (scaled(ends, layer.multipliers, shifts=layer.shifts) == 0).all(0)
    multipliers = np.where(is_dead, 0, layer.multipliers).astype(np.int32)
    return dataclasses.replace(
        layer, multipliers=multipliers, shifts=np.where(is_dead, 0, layer.shifts).astype(np.int32)
    )


def is_exact(layer: Weighted) -> bool:
    """Return whether the kernels here compute a layer code for code.

    They need zero points that are folded, sums and biases below 2**30, shifts of 0 to 23 to the
    right, weights above -128, and products whose sum, times 256, stays in 32 bits.
    """
    largest = largest_sums(layer)
    products = 128 * np.abs(layer.weights.reshape(layer.outputs, -1).astype(np.int64)).sum(1)
    return bool(
        layer.input_zero_point == 0
        and largest.max() < 2**30
        and np.abs(layer.biases.astype(np.int64)).max() < 2**30
        and layer.shifts.max() <= 0
        and layer.shifts.min() >= -LARGEST_SHIFT
        and layer.weights.min() >= -127
        and (isinstance(layer, Linear) or products.max() < 2**23 or _is_depthwise(layer))
    )


def _is_depthwise(layer: Weighted) -> bool:
    return isinstance(layer, Convolution) and layer.is_depthwise


def _is_plain(layer: Convolution) -> bool:
    return layer.is_pointwise and layer.weights.shape[3] % 4 == 0


def _pointwise(place: Place, layer: Convolution) -> LayerCode:
    inputs, outputs = layer.weights.shape[3], layer.outputs
    places = place.output.elements // outputs
    length = parts.rounded_up(inputs, 8)
    multiply, functions = _multiply(place, layer)
    name = f"pointwise_{places}_of_{inputs}_to_{outputs}" + multiply.removeprefix(
        "multiply_four_rescale"
    )
    sizes = {"places": places, "inputs": inputs, "outputs": outputs, "steps": length // 2}
    body = parts.filled(text.POINTWISE, name=name, multiply=multiply, **sizes)
    return LayerCode(
        functions | {name: body},
        parts.call(place, name),
        parts.tables(place, layer, weights=paired(layer.weights.reshape(outputs, -1), length)),
        scratch_bytes=8 * length,
        is_in_place=outputs <= inputs,
    )


def _convolution(place: Place, layer: Convolution) -> LayerCode:
    (height, width, inputs), (rows, columns, outputs) = place.inputs[0].shape, place.output.shape
    _, kernel_height, kernel_width, _ = layer.weights.shape
    count = kernel_height * kernel_width * inputs
    length, line = parts.rounded_up(count, 8), kernel_width * inputs
    multiply, functions = _multiply(place, layer)
    name = f"convolution_{place.number}"
    copy = parts.filled(text.COPY_CODES if line % 4 else text.COPY_WORDS, line=line)
    geometry = {
        "height": height,
        "width": width,
        "inputs": inputs,
        "rows": rows,
        "columns": columns,
        "outputs": outputs,
        "places": rows * columns,
        "kernel_height": kernel_height,
        "kernel_width": kernel_width,
        "stride_down": layer.stride[0],
        "stride_across": layer.stride[1],
        "top": layer.padding[0],
        "left": layer.padding[2],
        "padding_code": layer.padding_code,
    }
    lengths = {"length": length, "count": parts.rounded_up(count, 4), "steps": length // 2}
    body = parts.filled(
        text.CONVOLUTION, name=name, multiply=multiply, copy_line=copy, **geometry, **lengths
    )
    return LayerCode(
        functions | {name: body},
        parts.call(place, name),
        parts.tables(place, layer, weights=paired(layer.weights.reshape(outputs, -1), length)),
        scratch_bytes=12 * length,
    )


def _linear(place: Place, layer: Linear) -> LayerCode:
    rescale, functions = parts.rescale_function(place, layer)
    name = f"linear_by_{rescale}"
    body = parts.filled(text.LINEAR, name=name, rescale=rescale, zero=place.output.zero_point)
    n, sizes = place.number, f"{layer.weights.shape[1]}, {layer.outputs}"
    call = f"{name}({{x}}, {{y}}, {sizes}, w{n}, b{n}, m{n}, s{n});"
    return LayerCode(
        functions | {name: body}, call, parts.tables(place, layer, weights=layer.weights)
    )


def _multiply(place: Place, layer: Convolution) -> tuple[str, dict[str, str]]:
    """Return name and text of the function that multiplies four places."""
    rescale, functions = parts.rescale_function(place, layer)
    is_odd = layer.outputs % 2 == 1
    name = f"multiply_four_{rescale}" + ("_odd" if is_odd else "")
    body = parts.filled(
        text.MULTIPLY,
        name=name,
        rescale=rescale,
        zero=place.output.zero_point,
        odd_comment="; the last pair has one" if is_odd else "",
        odd_end="\n    if (y == end) break;" if is_odd else "",
    )
    return name, functions | {name: body}


def paired(weights: npt.NDArray[np.int8], length: int) -> npt.NDArray[np.int16]:
    """Return weights with those of two output channels in one half-word, 256 * a + b.

    Parameters
    ----------
    weights
        int8, (out, in), above -128.
    length
        Codes of a place with what is filled up with 0; a multiple of 4.

    Returns
    -------
    ndarray
        int16, (pairs, length), each four codes in the order 0, 2, 1, 3.

    Examples
    --------
    >>> paired(np.array([[1, 2, 3, 4], [5, 6, 7, -8]], dtype=np.int8), 4).tolist()
    [[261, 775, 518, 1016]]
    """
    outputs, inputs = weights.shape
    filled = np.zeros((parts.rounded_up(outputs, 2), length), dtype=np.int32)
    filled[:outputs, :inputs] = weights
    ordered = filled.reshape(-1, length // 4, 4)[..., [0, 2, 1, 3]].reshape(-1, length)
    return (256 * ordered[0::2] + ordered[1::2]).astype(np.int16)
