import numpy as np


def quantize(weights, bits):
    q = 2 ** (bits - 1) - 1
    m = max(weights.max(), -weights.min())
    scale = m / q if m else 1
    return np.floor(np.asarray(weights, dtype=float) / scale + 0.5), float(scale)
