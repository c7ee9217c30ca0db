import math

import numpy as np


def affine_parameters(low, high, bits):
    if low > 0:
        low = 0.0
    if high < 0:
        high = 0.0
    if high - low == 0:
        return [1, 0]
    grid = np.linspace(low, high, 2**bits)
    step = float(grid[1] - grid[0])
    return [step, int(np.argmin(np.abs(grid))) - 2 ** (bits - 1)]


def quantize(x, scale, zero_point, bits):
    codes = np.arange(-(2 ** (bits - 1)), 2 ** (bits - 1))
    values = (codes - zero_point) * scale
    flat = np.asarray(x, dtype=float).reshape(-1, 1)
    return codes[np.abs(flat - values).argmin(axis=1)].reshape(np.shape(x))


def channel_scales(weights, bits):
    scales = []
    for channel in weights:
        largest = max(math.fabs(w) for w in channel.ravel().tolist())
        scales.append(largest / (2 ** (bits - 1) - 1) if largest else 1.0)
    return scales
