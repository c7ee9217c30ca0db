import numpy as np


def find_levels(sizes_bytes, latency_ns, rise):
    clean = np.array(latency_ns, dtype=float)
    for i in range(len(clean) - 2, -1, -1):
        clean[i] = min(clean[i], clean[i + 1])
    number = np.concatenate([[0], np.cumsum(clean[1:] > rise * clean[:-1])])
    levels = []
    for k in np.unique(number):
        here = number == k
        if here.sum() >= 3:
            levels.append((np.max(np.asarray(sizes_bytes)[here]), np.median(clean[here])))
    return levels
