import math

import numpy as np


def multiplier_and_shift(factor):
    mantissa, shift = math.frexp(factor)
    multiplier = math.floor(mantissa * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return [0, 0]
    return [multiplier, shift]


def requantize(sums, multiplier, shift, zero_point):
    """As gemmlowp has it: a nudge that depends on the sign, then a mask and a threshold."""
    shift = np.asarray(shift, dtype=np.int64)
    left, right = np.where(shift > 0, shift, 0), np.where(shift > 0, 0, -shift)
    product = sums.astype(np.int64) * 2**left * multiplier
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    high = np.where(nudged >= 0, nudged // 2**31, -(-nudged // 2**31))
    mask = (1 << right) - 1
    remainder = high & mask
    threshold = (mask >> 1) + (high < 0)
    scaled = (high >> right) + (remainder > threshold)
    return np.minimum(np.maximum(scaled + zero_point, -128), 127).astype(np.int8)
