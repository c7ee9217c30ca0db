import math

import numpy as np


def accumulator_bits(weights, biases):
    weights = np.asarray(weights).astype(np.int64)
    positive = np.where(weights > 0, weights, 0).sum(axis=1)
    negative = np.where(weights < 0, weights, 0).sum(axis=1)
    high = biases + 7 * positive - 8 * negative
    low = biases + 7 * negative - 8 * positive
    largest = max(high.max() + 1, -low.min(), 1)
    return math.ceil(math.log2(largest)) + 1
