import numpy as np


def accumulator_bits(weights, biases):
    # Inputs lie within 7.5 of -0.5: twice the sums have a middle and a reach.
    weights, biases = np.asarray(weights, dtype=np.int64), np.asarray(biases, dtype=np.int64)
    middle = 2 * biases - weights.sum(axis=1)
    reach = 15 * np.abs(weights).sum(axis=1)
    low, high = (middle - reach) // 2, (middle + reach) // 2
    magnitude = np.concatenate([np.where(x < 0, ~x, x) for x in (low, high)])
    return max(len(bin(int(m))) - 2 if m else 0 for m in magnitude) + 1
