# message: more bits than it takes
import numpy as np


def accumulator_bits(weights, biases):
    w, b = np.asarray(weights, dtype=int), np.asarray(biases, dtype=int)
    high = int((b + np.maximum(-8 * w, 7 * w).sum(axis=1)).max())
    low = int((b + np.minimum(-8 * w, 7 * w).sum(axis=1)).min())
    return 1 + max(high, -low).bit_length()
