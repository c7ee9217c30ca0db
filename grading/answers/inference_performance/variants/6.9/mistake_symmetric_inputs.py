# message: too few
import numpy as np


def accumulator_bits(weights, biases):
    w, b = np.asarray(weights, dtype=int), np.asarray(biases, dtype=int)
    reach = 7 * np.abs(w).sum(axis=1)
    high, low = int((b + reach).max()), int((b - reach).min())
    return 1 + max(high, -1 - low).bit_length()
