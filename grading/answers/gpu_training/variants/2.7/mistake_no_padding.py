# message: cannot reshape array of size 10
import numpy as np


def ring_all_reduce(x, rank, ranks, send, recv):
    pieces = x.copy().reshape(ranks, -1)
    for hop in range(1, 2 * ranks - 1):
        send((rank + 1) % ranks, pieces[(rank - hop + 1) % ranks])
        number = (rank - hop) % ranks
        pieces[number] = recv((rank - 1) % ranks) + (pieces[number] if hop < ranks else 0)
    return pieces.reshape(-1)


def fit_alpha_beta(sizes, times, ranks):
    s, t = np.asarray(sizes, float), np.asarray(times, float)
    columns = np.stack([2 * (ranks - 1) / t, 2 * (ranks - 1) / ranks * s / t], axis=1)
    return np.linalg.lstsq(columns, np.ones(len(t)), rcond=None)[0]
