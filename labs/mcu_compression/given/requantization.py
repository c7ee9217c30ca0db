"""Requantisation, asked of the lab's own `labs.mcu_compression.integer.fixed_point`."""

import numpy as np
import numpy.typing as npt

from labs.mcu_compression.integer import fixed_point


def multiplier_and_shift(factor: float) -> tuple[int, int]:
    """Return a real factor as whole numbers, (multiplier, shift).

    Parameters
    ----------
    factor
        From 0 to below 2**30.
    """
    return fixed_point.multiplier_and_shift(float(factor))


def requantize(
    sums: npt.NDArray[np.int32], multiplier: npt.ArrayLike, shift: npt.ArrayLike, zero_point: int
) -> npt.NDArray[np.int8]:
    """Return the codes of sums.

    Parameters
    ----------
    sums
        (..., channels), int32.
    multiplier, shift
        Of all channels, or (channels,) each.
    zero_point
        Of the codes.
    """
    return fixed_point.clamped(fixed_point.scaled(sums, multiplier, shifts=shift) + zero_point)
