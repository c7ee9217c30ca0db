import numpy as np


def multiplier_and_shift(factor):
    if factor < 2.0**-32:
        return (0, 0)
    shift = 0
    while factor * 2.0**-shift >= 1:
        shift += 1
    while factor * 2.0**-shift < 0.5:
        shift -= 1
    multiplier = int(factor * 2.0**-shift * 2.0**31 + 0.5)
    return (multiplier, shift) if multiplier < 2**31 else (multiplier // 2, shift + 1)


def code(total, multiplier, shift, zero_point):
    total, multiplier, shift = int(total), int(multiplier), int(shift)
    if shift > 0:
        total *= 2**shift
    product = (total * multiplier + 2**30) // 2**31
    if shift < 0:
        divisor = 2**-shift
        quotient = (abs(product) + divisor // 2) // divisor
        product = quotient if product > 0 else -quotient
    return min(127, max(-128, product + zero_point))


def requantize(sums, multiplier, shift, zero_point):
    sums = np.asarray(sums)
    multipliers = np.broadcast_to(multiplier, sums.shape)
    shifts = np.broadcast_to(shift, sums.shape)
    codes = np.zeros(sums.shape, dtype=np.int8)
    for place in np.ndindex(*sums.shape):
        codes[place] = code(sums[place], multipliers[place], shifts[place], zero_point)
    return codes
