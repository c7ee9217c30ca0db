# message: alpha_s for 4 ranks is
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
    small, large = np.argmin(sizes), np.argmax(sizes)
    alpha_s = times[small] / (2 * (ranks - 1))
    return alpha_s, times[large] / (2 * (ranks - 1) / ranks * sizes[large])
