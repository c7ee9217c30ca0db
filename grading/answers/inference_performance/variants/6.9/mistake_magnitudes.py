# message: more bits than it takes
import numpy as np


def accumulator_bits(weights, biases):
    w, b = np.asarray(weights, dtype=int), np.asarray(biases, dtype=int)
    return 1 + int((np.abs(b) + 8 * np.abs(w).sum(axis=1)).max()).bit_length()
