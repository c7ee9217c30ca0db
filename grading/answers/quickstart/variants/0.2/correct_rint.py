import numpy as np


def quantize(weights, bits):
    q = (1 << (bits - 1)) - 1
    scale = np.max(np.abs(weights)) / q
    if scale == 0:
        scale = 1.0
    return np.clip(np.rint(weights / scale), -q, q).astype(int), scale
