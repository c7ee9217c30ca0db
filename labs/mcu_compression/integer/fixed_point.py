"""Multiplying whole numbers by a real factor with whole numbers alone: TensorFlow Lite's way.

A layer's int32 sum is in steps of input scale times weight scale; its output wants steps of the
output scale. The factor between them becomes a multiplier of 31 bits and a shift, and the product
is rounded twice: after the multiplication and after the shift. Everything works on whole arrays in
int64, where nothing overflows. Source: gemmlowp's ``fixedpoint.h`` and TensorFlow Lite's
``common.h``, without its single-rounding option, as in TensorFlow Lite for Microcontrollers.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.integer[Any]]

INT8 = (-128, 127)
MULTIPLIER_BITS = 31
SMALLEST_SHIFT = -31
LARGEST_SHIFT = 30


def multiplier_and_shift(factor: float) -> tuple[int, int]:
    """Return a factor as ``multiplier * 2 ** (shift - 31)``.

    Parameters
    ----------
    factor
        From 0 to below 2**30.

    Returns
    -------
    tuple of int
        The multiplier, from 2**30 to 2**31 - 1, and the shift, from -31 to 30; (0, 0) for a factor
        that rounds to less than 2**-32.

    Raises
    ------
    ValueError
        If the factor is negative, not finite, or 2**30 or more.

    Examples
    --------
    >>> multiplier_and_shift(0.375)
    (1610612736, -1)
    >>> 1610612736 * 2.0 ** (-1 - 31)
    0.375
    """
    if not 0 <= factor < 2.0**LARGEST_SHIFT:
        raise ValueError(f"factor is {factor}; give one from 0 to below 2**{LARGEST_SHIFT}")
    mantissa, shift = math.frexp(factor)
    multiplier = math.floor(mantissa * 2**MULTIPLIER_BITS + 0.5)
    if multiplier == 2**MULTIPLIER_BITS:
        multiplier, shift = multiplier // 2, shift + 1
    if shift > LARGEST_SHIFT:  # rounded up to 2**30 itself
        return 2**MULTIPLIER_BITS - 1, LARGEST_SHIFT
    return (multiplier, shift) if multiplier and shift >= SMALLEST_SHIFT else (0, 0)


def doubling_high_product(values: Integers, multipliers: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return ``values * multipliers / 2**31``, rounded to the nearest, halves up.

    Parameters
    ----------
    values
        Within int32.
    multipliers
        0 to 2**31 - 1, of a shape that fits.

    Notes
    -----
    gemmlowp's SaturatingRoundingDoublingHighMul adds 2**30 to a positive product and 1 - 2**30 to a
    negative one and divides by 2**31 towards zero, which is this floor for both signs.

    Examples
    --------
    >>> doubling_high_product(np.array([5, -5]), 2**30).tolist()
    [3, -2]
    """
    product = np.asarray(values, np.int64) * np.asarray(multipliers, np.int64)
    return (product + (1 << 30)) >> MULTIPLIER_BITS


def rounding_shift(values: Integers, exponents: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return ``values / 2**exponents``, rounded to the nearest, halves away from zero.

    Parameters
    ----------
    values
        Within int32.
    exponents
        0 to 31, of a shape that fits.

    Examples
    --------
    >>> rounding_shift(np.array([5, -5, -6]), 1).tolist()
    [3, -3, -3]
    """
    values, exponents = np.asarray(values, np.int64), np.asarray(exponents, np.int64)
    mask = (np.int64(1) << exponents) - 1
    rounded: npt.NDArray[np.int64] = values >> exponents
    return rounded + ((values & mask) > (mask >> 1) + (values < 0))


def scaled(sums: Integers, multipliers: npt.ArrayLike, *, shifts: npt.ArrayLike) -> Integers:
    """Return int32 sums times their factors: doubling product, then rounding shift.

    Parameters
    ----------
    sums
        (..., channels), within int32, also after a shift to the left.
    multipliers, shifts
        (channels,) or one, as `multiplier_and_shift` returns them.

    Examples
    --------
    >>> multiplier, shift = multiplier_and_shift(0.1)
    >>> scaled(np.array([14, 15, -15]), multiplier, shifts=shift).tolist()
    [1, 2, -2]
    """
    shifts = np.asarray(shifts, np.int64)
    raised = np.asarray(sums, np.int64) << np.maximum(shifts, 0)
    return rounding_shift(doubling_high_product(raised, multipliers), np.maximum(-shifts, 0))


def clamped(values: Integers, *, low: int = INT8[0], high: int = INT8[1]) -> npt.NDArray[np.int8]:
    """Return whole numbers as int8, those outside set to the nearer end.

    Parameters
    ----------
    values
        Whole numbers.
    low, high
        The ends, within int8.

    Examples
    --------
    >>> clamped(np.array([-300, -3, 300])).tolist()
    [-128, -3, 127]
    """
    return np.clip(values, low, high).astype(np.int8)
