# message: in its last bits
import numpy as np


def ring_all_reduce(x, rank, ranks, send, recv):
    """Send what the ring asks for, but add up whole arrays that travel as pieces."""
    length = -(-x.size // ranks)
    padded = np.pad(x, (0, length * ranks - x.size))
    pieces = np.split(padded, ranks)
    own = pieces[:]
    for hop in range(1, 2 * ranks - 1):
        send((rank + 1) % ranks, pieces[(rank - hop + 1) % ranks])
        number = (rank - hop) % ranks
        pieces[number] = recv((rank - 1) % ranks) + (pieces[number] if hop < ranks else 0)
    for number in range(ranks):
        pieces[number] = (pieces[number] - own[number]) + own[number]
    return np.concatenate(pieces)[: x.size]


def fit_alpha_beta(sizes, times, ranks):
    s, t = np.asarray(sizes, float), np.asarray(times, float)
    columns = np.stack([2 * (ranks - 1) / t, 2 * (ranks - 1) / ranks * s / t], axis=1)
    return np.linalg.lstsq(columns, np.ones(len(t)), rcond=None)[0]
