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
    factor = multiplier * 2.0 ** (np.asarray(shift) - 31.0)
    return np.clip(np.round(sums * factor) + zero_point, -128, 127)
