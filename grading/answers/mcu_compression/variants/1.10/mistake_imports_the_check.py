# message: withheld
from labs.mcu_compression.checks import requantization


def multiplier_and_shift(factor):
    return requantization.fixed_point.multiplier_and_shift(factor)


def requantize(sums, multiplier, shift, zero_point):
    library = requantization.fixed_point
    return library.clamped(library.scaled(sums, multiplier, shift) + zero_point)
