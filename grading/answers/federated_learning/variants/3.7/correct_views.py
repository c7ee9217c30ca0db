import numpy as np


def _pads(rank, seeds, size, expand):
    added = np.zeros(size, np.uint32)
    for other, seed in seeds.items():
        if other > rank:
            added += expand(seed, size)
        else:
            added -= expand(seed, size)
    return added


def reconstruct(weight_gradient, bias_gradient):
    b = np.asarray(bias_gradient, dtype=np.float64)
    if np.count_nonzero(b) == 0:
        raise ValueError("no unit says anything")
    i = max(range(len(b)), key=lambda each: abs(b[each]))
    return np.asarray(weight_gradient, dtype=np.float64)[i] * (1 / b[i])


def masked(x, rank, *, scale, seeds, expand):
    steps = np.round(np.asarray(x, dtype=np.float64) * scale).astype(np.int64)
    if np.any(np.abs(steps) * (1 + len(seeds)) > np.iinfo(np.int32).max):
        raise ValueError("overflow")
    return steps.astype(np.int32).view(np.uint32) + _pads(rank, seeds, len(x), expand)


def unmasked(total, revealed, *, scale, expand):
    total = total.copy()
    for gone, seeds in revealed.items():
        total += _pads(gone, seeds, len(total), expand)
    return total.view(np.int32).astype(np.float64) / scale
