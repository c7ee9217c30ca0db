# message: of 12 elements a message holds 3 float32
import numpy as np


def ring_all_reduce(x, rank, ranks, send, recv):
    right, left = (rank + 1) % ranks, (rank - 1) % ranks
    total, visitor = x.copy(), x
    for _ in range(ranks - 1):
        send(right, visitor)
        visitor = recv(left)
        total += visitor
    for _ in range(ranks - 1):
        send(right, total)
        total = recv(left)
    return total


def fit_alpha_beta(sizes, times, ranks):
    s, t = np.asarray(sizes, float), np.asarray(times, float)
    columns = np.stack([2 * (ranks - 1) / t, 2 * (ranks - 1) / ranks * s / t], axis=1)
    return np.linalg.lstsq(columns, np.ones(len(t)), rcond=None)[0]
