# message: one width for all outputs
import numpy as np


def accumulator_bits(weights, biases):
    w, b = np.asarray(weights, dtype=int), np.asarray(biases, dtype=int)
    high = b + np.maximum(-8 * w, 7 * w).sum(axis=1)
    low = b + np.minimum(-8 * w, 7 * w).sum(axis=1)
    return [1 + max(int(h), -1 - int(m)).bit_length() for h, m in zip(high, low)]
