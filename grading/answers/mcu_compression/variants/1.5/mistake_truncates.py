# message: the code nearest to
import numpy as np


def affine_parameters(low, high, bits):
    low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
    if low == high:
        return 1.0, 0
    scale = (high - low) / (2**bits - 1)
    return scale, int(np.rint(-(2 ** (bits - 1)) - low / scale))


def quantize(x, scale, zero_point, bits):
    codes = np.trunc(x / scale + zero_point)
    return np.clip(codes, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype(np.int32)


def channel_scales(weights, bits):
    largest = np.abs(weights).max(axis=tuple(range(1, weights.ndim)))
    scales = largest / (2 ** (bits - 1) - 1)
    scales[scales == 0] = 1.0
    return scales
