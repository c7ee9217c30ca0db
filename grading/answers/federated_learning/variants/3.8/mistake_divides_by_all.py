# message: trim 1 of 6 updates
import numpy as np


def coordinate_median(updates):
    return np.median(updates, axis=0)


def trimmed_mean(updates, trim):
    if trim < 0 or 2 * trim >= len(updates):
        raise ValueError("nothing is left")
    return np.sort(updates, axis=0)[trim : len(updates) - trim].sum(axis=0) / len(updates)


def krum(updates, byzantine):
    n = len(updates)
    if byzantine < 0 or n < 2 * byzantine + 3:
        raise ValueError("too few updates")
    squared = ((updates[:, None] - updates) ** 2).sum(axis=2)
    return int(np.sort(squared, axis=1)[:, : n - byzantine - 1].sum(axis=1).argmin())
