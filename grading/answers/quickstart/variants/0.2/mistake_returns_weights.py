# message: largest weight gets the code
import numpy as np


def quantize(weights, bits):
    q = 2 ** (bits - 1) - 1
    scale = float(np.abs(weights).max()) / q or 1.0
    return np.round(weights / scale) * scale, scale
