# message: all 0
import numpy as np


def quantize(weights, bits):
    q = 2 ** (bits - 1) - 1
    scale = np.abs(weights).max() / q
    return np.round(weights / scale), scale
