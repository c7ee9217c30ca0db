# message: scale with
import numpy as np


def quantize(weights, bits):
    q = 2 ** (bits - 1) - 1
    scale = float(weights.max()) / q or 1.0
    return np.clip(np.round(weights / scale), -q, q), scale
