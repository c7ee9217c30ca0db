# message: with 4 bits
import numpy as np


def quantize(weights, bits):
    scale = float(np.abs(weights).max()) / 127 or 1.0
    return np.round(weights / scale), scale
