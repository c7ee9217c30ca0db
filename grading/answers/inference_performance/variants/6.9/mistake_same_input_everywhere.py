# message: too few
import numpy as np


def accumulator_bits(weights, biases):
    w, b = np.asarray(weights, dtype=int), np.asarray(biases, dtype=int)
    ends = [b + value * w.sum(axis=1) for value in (-8, 7)]
    return 1 + max(int(np.max(ends)), -1 - int(np.min(ends))).bit_length()
