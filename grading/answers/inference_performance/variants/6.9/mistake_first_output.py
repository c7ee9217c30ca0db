# message: too few
import numpy as np


def accumulator_bits(weights, biases):
    w, b = np.asarray(weights, dtype=int), np.asarray(biases, dtype=int)
    high = int((b + np.maximum(-8 * w, 7 * w).sum(axis=1))[0])
    low = int((b + np.minimum(-8 * w, 7 * w).sum(axis=1))[0])
    return 1 + max(high, -1 - low).bit_length()
