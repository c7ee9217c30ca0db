# message: as if rounded once, at the end
import math

import numpy as np


def multiplier_and_shift(factor):
    if factor < 2**-32:
        return 0, 0
    mantissa, shift = math.frexp(factor)
    multiplier = round(mantissa * 2**31)
    if multiplier == 2**31:
        return 2**30, shift + 1
    return multiplier, shift


def requantize(sums, multiplier, shift, zero_point):
    exponents = 31 - np.asarray(shift, dtype=np.int64)
    products = sums.astype(np.int64) * multiplier
    return np.clip(((products + (1 << (exponents - 1))) >> exponents) + zero_point, -128, 127)
