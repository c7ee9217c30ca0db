# message: plus -70 makes
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
    products = sums.astype(np.float64) * 2.0 ** np.maximum(shift, 0) * multiplier
    rounded = np.floor(products / 2**31 + 0.5)
    quotients = rounded / 2.0 ** np.maximum(-shift, 0)
    quotients = np.sign(quotients) * np.floor(np.abs(quotients) + 0.5)
    return np.clip(quotients + zero_point, -128, 127)
