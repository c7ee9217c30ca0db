# message: uint32 of shape
import numpy as np


def reconstruct(weight_gradient, bias_gradient):
    if not np.any(bias_gradient):
        raise ValueError("every bias gradient is zero: nothing passed this layer")
    row = np.argmax(np.abs(bias_gradient))
    return weight_gradient[row] / bias_gradient[row]


def masked(x, rank, *, scale, seeds, expand):
    words = x * scale
    for other, seed in seeds.items():
        words = words + (1.0 if other > rank else -1.0) * expand(seed, len(x))
    return words


def unmasked(total, revealed, *, scale, expand):
    for gone, seeds in revealed.items():
        total = total + masked(0.0 * total, gone, scale=scale, seeds=seeds, expand=expand)
    return total.astype(np.int32) / scale
