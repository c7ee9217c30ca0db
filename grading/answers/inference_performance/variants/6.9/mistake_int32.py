# message: too few
import numpy as np


def accumulator_bits(weights, biases):
    w = np.asarray(weights).astype(np.int32)
    high = (biases + np.maximum(-8 * w, 7 * w).sum(axis=1, dtype=np.int32)).max()
    low = (biases + np.minimum(-8 * w, 7 * w).sum(axis=1, dtype=np.int32)).min()
    return 1 + max(int(high), -1 - int(low)).bit_length()
