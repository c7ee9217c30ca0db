# message: is expanded once, to 5 words; yours asked for [5, 5]
import numpy as np


def reconstruct(weight_gradient, bias_gradient):
    if not np.any(bias_gradient):
        raise ValueError("every bias gradient is zero: nothing passed this layer")
    row = np.argmax(np.abs(bias_gradient))
    return weight_gradient[row] / bias_gradient[row]


def masked(x, rank, *, scale, seeds, expand):
    steps = np.rint(x * scale)
    if (len(seeds) + 1) * np.abs(steps).max() > 2**31 - 1:
        raise ValueError("a sum of so many may leave 32 bits: take a smaller scale")
    words = steps.astype(np.int64).astype(np.uint32)
    for other, seed in seeds.items():
        expand(seed, len(x))
        words = words + expand(seed, len(x)) if other > rank else words - expand(seed, len(x))
    return words


def unmasked(total, revealed, *, scale, expand):
    for gone, seeds in revealed.items():
        total = total + masked(0.0 * total, gone, scale=scale, seeds=seeds, expand=expand)
    return total.astype(np.int32) / scale
