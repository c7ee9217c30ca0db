# message: too few
import numpy as np


def accumulator_bits(weights, biases):
    w = np.asarray(weights, dtype=int)
    high = int(np.maximum(-8 * w, 7 * w).sum(axis=1).max())
    low = int(np.minimum(-8 * w, 7 * w).sum(axis=1).min())
    return 1 + max(high, -1 - low).bit_length()
