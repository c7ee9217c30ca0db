# message: too few
import numpy as np


def accumulator_bits(weights, biases):
    high = int((biases + np.maximum(-8 * weights, 7 * weights).sum(axis=1)).max())
    low = int((biases + np.minimum(-8 * weights, 7 * weights).sum(axis=1)).min())
    return 1 + max(high, -1 - low).bit_length()
