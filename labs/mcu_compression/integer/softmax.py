"""Softmax of int8 codes in whole numbers: TensorFlow Lite's, bit for bit.

An exponential is a fraction of 2**31. A row has at most 256 different ones, by how far a code lies
below the largest of its row, so they are computed once, as a table. What is left is a sum and one
division, by Newton's method. Sources: TensorFlow Lite's ``reference/softmax.h`` and gemmlowp's
``fixedpoint.h``; constants are theirs.
"""

import numpy as np
import numpy.typing as npt

from labs.mcu_compression.integer.fixed_point import (
    Integers,
    clamped,
    doubling_high_product,
    multiplier_and_shift,
    rounding_shift,
)

INT8_ZERO = -128
ONE = 2**31 - 1  # the largest fraction of 2**31 stands for 1
STEPS = 256
DIFFERENCE_BITS = 26  # binary places of what enters the exponential
LARGEST_DIFFERENCE = 31 * 2**DIFFERENCE_BITS
SUM_SHIFT = 12  # a sum of exponentials has so many bits less, to hold more than one
LONGEST_ROW = 511  # TensorFlow Lite's own check fails at the sum of 512 ones
# exp(-1/8) and 1/3, then exp(-1/4), exp(-1/2), ..., exp(-16): fractions of 2**31
EXP_EIGHTH, THIRD = 1895147668, 715827883
EXP_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
NEWTON = (1515870810, -1010580540)  # 48/17 and -32/17 in steps of 2**-29


def exponentials(scale: float) -> npt.NDArray[np.int32]:
    """Return ``exp(-steps * scale) * 2**31`` for 0 to 255 steps, int32 (256,).

    Parameters
    ----------
    scale
        Of the codes, times the softmax's beta.

    Raises
    ------
    ValueError
        If the scale is not above 2**-26, which TensorFlow Lite cannot hold either.

    Examples
    --------
    >>> [round(each / 2**31, 6) for each in exponentials(0.5)[:3].tolist()]
    [1.0, 0.606531, 0.36788]
    """
    # From 16 on, one step leaves less than what counts: larger scales make no difference.
    factor = min(scale * 2**DIFFERENCE_BITS, 2**30 - 1)
    if not factor > 1:
        raise ValueError(f"scale is {scale}; give one above 2**-26")
    multiplier, shift = multiplier_and_shift(factor)
    steps = np.arange(STEPS)
    is_in_reach = steps <= LARGEST_DIFFERENCE >> shift
    differences = doubling_high_product(np.where(is_in_reach, -steps << shift, 0), multiplier)
    return np.where(is_in_reach, exponential(differences), 0).astype(np.int32)


def exponential(differences: Integers) -> npt.NDArray[np.int64]:
    """Return ``exp(differences / 2**26) * 2**31`` of whole numbers from -31 * 2**26 to 0.

    The remainder to the next quarter below goes through a polynomial around -1/8; quarters, halves,
    ... are then multiplied by the constants of their bits.

    Examples
    --------
    >>> int(exponential(np.array(-(2**26)))), round(np.exp(-1) * 2**31)
    (790015308, 790015084)
    """
    values = np.asarray(differences, np.int64)
    quarter = 1 << DIFFERENCE_BITS - 2
    rest = (values & quarter - 1) - quarter
    x = (rest << 31 - DIFFERENCE_BITS) + (1 << 28)
    square = doubling_high_product(x, x)
    high = rounding_shift(doubling_high_product(square, square), 2)
    high = doubling_high_product(high + doubling_high_product(square, x), THIRD)
    tail = x + rounding_shift(high + square, 1)
    result: npt.NDArray[np.int64] = EXP_EIGHTH + doubling_high_product(tail, EXP_EIGHTH)
    for power, factor in enumerate(EXP_POWERS):
        is_set = (rest - values) & (quarter << power) != 0
        result = np.where(is_set, doubling_high_product(result, factor), result)
    return np.where(values == 0, ONE, result)


def reciprocal(values: Integers) -> npt.NDArray[np.int64]:
    """Return ``2**31 / (1 + values / 2**31)`` of whole numbers from 0 to below 2**31.

    Examples
    --------
    >>> int(reciprocal(np.array(2**30))), round(2**31 / 1.5)
    (1431655762, 1431655765)
    """
    half = (np.asarray(values, np.int64) + ONE + 1) // 2
    x = NEWTON[0] + doubling_high_product(half, NEWTON[1])
    for _ in range(3):
        error = (1 << 29) - doubling_high_product(half, x)
        x = x + (doubling_high_product(x, error) << 2)
    limited: npt.NDArray[np.int64] = np.minimum(x << 1, ONE)
    return limited


def softmax(codes: Integers, table: npt.NDArray[np.int32]) -> npt.NDArray[np.int8]:
    """Return probabilities as codes, -128 for 0 and 127 for 255/256 and more.

    Parameters
    ----------
    codes
        (..., classes), int8, at most `LONGEST_ROW` classes.
    table
        From `exponentials`.

    Examples
    --------
    >>> softmax(np.array([10, 10, 0], dtype=np.int8), exponentials(0.5)).tolist()
    [0, 0, -127]
    """
    wide = np.asarray(codes, np.int64)
    each = table.astype(np.int64)[wide.max(-1, keepdims=True) - wide]
    total = rounding_shift(each, SUM_SHIFT).sum(-1, keepdims=True)
    zeros = 32 - np.frexp(total.astype(np.float64))[1]  # zero bits before its first one, of 32
    share = reciprocal((total << zeros) - (ONE + 1))
    return clamped(rounding_shift(doubling_high_product(share, each), 35 - zeros) + INT8_ZERO)
