"""Stand-ins for exercise 6.1: float32 numbers by their spacing and by their bytes."""

import math
import struct

import numpy as np

__all__ = ["float32_threshold", "ordered_code"]

LEAST_EXPONENT = -125  # as `math.frexp` counts: below, float32 numbers keep one spacing
DIGITS = 24


def float32_threshold(threshold: float) -> np.float32:
    """Return the largest float32 that is not above a float64 threshold.

    Parameters
    ----------
    threshold
        Finite, and within the range of float32.
    """
    exponent = max(math.frexp(threshold)[1], LEAST_EXPONENT) - DIGITS
    return np.float32(math.ldexp(math.floor(math.ldexp(threshold, -exponent)), exponent))


def ordered_code(number: float) -> int:
    """Return an int that orders as float32 numbers do.

    Parameters
    ----------
    number
        A float32, or a float of the same value.
    """
    (word,) = struct.unpack("<I", struct.pack("<f", number))
    sign, size = divmod(word, 2**31)
    return int(size * (1 - 2 * sign))
