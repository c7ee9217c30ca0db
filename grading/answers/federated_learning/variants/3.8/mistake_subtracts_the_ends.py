# message: trimmed mean, two of 7 updates at 1e+18
import numpy as np


def coordinate_median(updates):
    return np.median(updates, axis=0)


def trimmed_mean(updates, trim):
    n = len(updates)
    if trim < 0 or 2 * trim >= n:
        raise ValueError("nothing is left")
    ordered = np.sort(updates, axis=0)
    ends = ordered[:trim].sum(axis=0) + ordered[n - trim :].sum(axis=0)
    return (updates.sum(axis=0) - ends) / (n - 2 * trim)


def krum(updates, byzantine):
    n = len(updates)
    if byzantine < 0 or n < 2 * byzantine + 3:
        raise ValueError("too few updates")
    squared = ((updates[:, None] - updates) ** 2).sum(axis=2)
    return int(np.sort(squared, axis=1)[:, : n - byzantine - 1].sum(axis=1).argmin())
