# message: from 2^30 to 2^31 - 1, you have
import math

import numpy as np


def multiplier_and_shift(factor):
    if factor < 2**-32:
        return 0, 0
    mantissa, shift = math.frexp(factor)
    return round(mantissa * 2**30), shift + 1


def requantize(sums, multiplier, shift, zero_point):
    products = (sums.astype(np.int64) << np.maximum(shift, 0)) * multiplier
    rounded = (products + 2**30) >> 31
    divisors = np.int64(1) << np.maximum(-shift, 0)
    quotients = (2 * np.abs(rounded) + divisors) // (2 * divisors)
    return np.clip(np.sign(rounded) * quotients + zero_point, -128, 127)
