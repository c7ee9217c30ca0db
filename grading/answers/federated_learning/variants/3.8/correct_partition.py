import numpy as np


def coordinate_median(updates):
    n = len(updates)
    middle = np.partition(updates, [(n - 1) // 2, n // 2], axis=0)
    return middle[[(n - 1) // 2, n // 2]].mean(axis=0)


def trimmed_mean(updates, trim):
    n = len(updates)
    if trim not in range((n + 1) // 2):
        raise ValueError("nothing is left")
    inner = np.zeros(updates.shape, dtype=bool)
    np.put_along_axis(inner, np.argsort(updates, axis=0)[trim : n - trim], True, axis=0)
    return np.where(inner, updates, 0).sum(axis=0) / (n - 2 * trim)


def krum(updates, byzantine):
    n = len(updates)
    if byzantine not in range((n - 3) // 2 + 1):
        raise ValueError("too few updates")
    distances = np.linalg.norm(updates[:, None] - updates, axis=2)
    np.fill_diagonal(distances, np.inf)
    near = np.partition(np.round(distances**2, 6), n - byzantine - 3, axis=1)
    return int(near[:, : n - byzantine - 2].sum(axis=1).argmin())
