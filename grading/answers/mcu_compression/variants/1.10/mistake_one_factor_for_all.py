# message: plus -8 makes
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
    multiplier, shift = int(np.ravel(multiplier)[0]), int(np.ravel(shift)[0])
    products = (sums.astype(np.int64) << max(shift, 0)) * multiplier
    rounded = (products + 2**30) >> 31
    divisor = 1 << max(-shift, 0)
    quotients = (2 * np.abs(rounded) + divisor) // (2 * divisor)
    return np.clip(np.sign(rounded) * quotients + zero_point, -128, 127)
