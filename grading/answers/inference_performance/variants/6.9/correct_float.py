import numpy as np


def accumulator_bits(weights, biases):
    ends = np.asarray(weights, dtype=float)[..., None] * np.array([-8.0, 7.0])
    low = ends.min(axis=-1).sum(axis=1) + biases
    high = ends.max(axis=-1).sum(axis=1) + biases
    widths = np.arange(1, 63)
    enough = (-(2.0 ** (widths - 1)) <= low.min()) & (high.max() <= 2.0 ** (widths - 1) - 1)
    return float(widths[enough][0])
