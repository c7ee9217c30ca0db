# message: withheld
from labs.mcu_compression.integer import fixed_point


def multiplier_and_shift(factor):
    return fixed_point.multiplier_and_shift(factor)


def requantize(sums, multiplier, shift, zero_point):
    return fixed_point.clamped(fixed_point.scaled(sums, multiplier, shift) + zero_point)
