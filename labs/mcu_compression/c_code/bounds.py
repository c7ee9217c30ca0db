"""What C code with 32 bits can compute exactly: numbers outside are refused before code is written.

The reference computes in 64 bits and never overflows. A device sums in int32, so each layer must
stay within it whatever the input is; where that cannot be shown, no code is made.
"""

import numpy as np

from labs.mcu_compression.c_code.code import CodeError
from labs.mcu_compression.integer.fixed_point import INT8, LARGEST_SHIFT, SMALLEST_SHIFT
from labs.mcu_compression.integer.layers import Convolution, Layer, Tensor, Weighted
from labs.mcu_compression.integer.passes import largest_sums

# int32, less what the zero point adds after requantisation.
SUM_LIMIT = 2**31 - 256


def check_layer(layer: Layer, output: Tensor) -> None:
    """Refuse a layer that C code with 32 bits could compute wrongly.

    Parameters
    ----------
    layer
        Of any kind; only those with weights have sums to check.
    output
        What it writes.

    Raises
    ------
    CodeError
        If a sum, alone or shifted to the left, could leave int32; if a multiplier, a shift, a zero
        point or a limit is outside its range; if a convolution has groups of several channels.
    """
    if not isinstance(layer, Weighted):
        return
    if isinstance(layer, Convolution):
        _check_groups(layer)
    _check_range(layer, "multiplier", layer.multipliers, (0, 2**31 - 1))
    _check_range(layer, "shift", layer.shifts, (SMALLEST_SHIFT, LARGEST_SHIFT))
    codes = [layer.low, layer.high, layer.input_zero_point, output.zero_point]
    _check_range(layer, "zero point or limit", np.array(codes), INT8)
    _check_sums(layer)


def _check_sums(layer: Weighted) -> None:
    largest = largest_sums(layer)
    # Python's whole numbers: a shifted bound may leave int64.
    raised = [int(a) << max(int(s), 0) for a, s in zip(largest, layer.shifts, strict=True)]
    channel = max(range(len(raised)), key=raised.__getitem__)
    if raised[channel] >= SUM_LIMIT:
        shift = max(int(layer.shifts[channel]), 0)
        shifted = f", shifted by {shift} to {raised[channel]:,}" if shift else ""
        raise CodeError(
            f"{layer.name}: the sum of channel {channel} can reach {int(largest[channel]):,}"
            f"{shifted}; int32 holds less than {SUM_LIMIT:,}"
        )


def _check_groups(layer: Convolution) -> None:
    channels = layer.weights.shape[-1]
    if layer.is_depthwise and (channels != 1 or layer.outputs % layer.groups):
        raise CodeError(
            f"{layer.name}: {layer.groups} groups of {channels} channels each; only one group, "
            "or one channel in each"
        )


def _check_range(layer: Layer, what: str, values: np.ndarray, ends: tuple[int, int]) -> None:
    outside = values[(values < ends[0]) | (values > ends[1])]
    if outside.size:
        raise CodeError(
            f"{layer.name}: {what} {int(outside[0]):,} is outside {ends[0]:,} to {ends[1]:,}"
        )
