# message: a half went towards 0 with all else in the first rounding
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
    products = (sums.astype(np.int64) << np.maximum(shift, 0)) * multiplier
    rounded = np.sign(products) * (np.abs(products) >> 31)
    quotients = np.sign(rounded) * (np.abs(rounded) >> np.maximum(-shift, 0))
    return np.clip(quotients + zero_point, -128, 127)
