# message: sends to rank 1 only; yours also sends to [2, 3]
import numpy as np


def ring_all_reduce(x, rank, ranks, send, recv):
    if rank:
        send(0, x)
        return recv(0)
    total = x.copy()
    for other in range(1, ranks):
        total += recv(other)
    for other in range(1, ranks):
        send(other, total)
    return total


def fit_alpha_beta(sizes, times, ranks):
    s, t = np.asarray(sizes, float), np.asarray(times, float)
    columns = np.stack([2 * (ranks - 1) / t, 2 * (ranks - 1) / ranks * s / t], axis=1)
    return np.linalg.lstsq(columns, np.ones(len(t)), rcond=None)[0]
