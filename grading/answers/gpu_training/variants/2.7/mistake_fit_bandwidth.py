# message: beta_s_per_byte for 4 ranks is
import numpy as np


def ring_all_reduce(x, rank, ranks, send, recv):
    length = -(-x.size // ranks)
    pieces = np.split(np.pad(x, (0, length * ranks - x.size)), ranks)
    for hop in range(1, 2 * ranks - 1):
        send((rank + 1) % ranks, pieces[(rank - hop + 1) % ranks])
        number = (rank - hop) % ranks
        pieces[number] = recv((rank - 1) % ranks) + (pieces[number] if hop < ranks else 0)
    return np.concatenate(pieces)[: x.size]


def fit_alpha_beta(sizes, times, ranks):
    s, t = np.asarray(sizes, float), np.asarray(times, float)
    columns = np.stack([2 * (ranks - 1) / t, 2 * (ranks - 1) / ranks * s / t], axis=1)
    alpha_s, beta_s = np.linalg.lstsq(columns, np.ones(len(t)), rcond=None)[0]
    return alpha_s, 1 / beta_s
