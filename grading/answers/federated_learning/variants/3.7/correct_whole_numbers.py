import numpy as np


def reconstruct(weight_gradient, bias_gradient):
    pairs = sorted(zip(np.abs(bias_gradient), range(len(bias_gradient))))
    size, row = pairs[-1]
    if size == 0:
        raise ValueError("nothing to divide by")
    return [float(w) / float(bias_gradient[row]) for w in weight_gradient[row]]


def masked(x, rank, *, scale, seeds, expand):
    """Python's own whole numbers, which never overflow, cut to 32 bits in the end."""
    steps = [round(float(each) * scale) for each in x]
    if max(map(abs, steps)) * (len(seeds) + 1) >= 2**31:
        raise ValueError("too large")
    for other in sorted(seeds):
        sign = 1 if rank < other else -1
        pad = expand(seeds[other], len(x)).tolist()
        steps = [step + sign * word for step, word in zip(steps, pad)]
    return np.array([step % 2**32 for step in steps], dtype=np.uint32)


def unmasked(total, revealed, *, scale, expand):
    words = [int(word) for word in total]
    for gone in revealed:
        for alive, seed in revealed[gone].items():
            sign = -1 if alive < gone else 1
            words = [w - sign * -int(p) for w, p in zip(words, expand(seed, len(words)))]
    return [((w + 2**31) % 2**32 - 2**31) / scale for w in words]
