import math
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import numpy as np


def multiplier_and_shift(factor):
    exact = Fraction(factor)
    if exact < Fraction(1, 2**32):
        return 0, 0
    for shift in range(-32, 40):
        multiplier = math.floor(exact * Fraction(2) ** (31 - shift) + Fraction(1, 2))
        if multiplier < 2**31:
            return multiplier, shift


def one(total, multiplier, shift, zero_point):
    raised = int(total) * 2 ** max(int(shift), 0)
    first = math.floor(Fraction(raised * int(multiplier), 2**31) + Fraction(1, 2))
    with localcontext() as context:
        context.prec = 80
        quotient = Decimal(first) / Decimal(2 ** max(-int(shift), 0))
        second = int(quotient.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    return sorted((-128, second + int(zero_point), 127))[1]


def requantize(sums, multiplier, shift, zero_point):
    return np.vectorize(one, otypes=[int])(sums, multiplier, shift, zero_point)
