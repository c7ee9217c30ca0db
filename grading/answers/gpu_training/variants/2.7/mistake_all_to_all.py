# message: sends to rank 1 only
import numpy as np


def ring_all_reduce(x, rank, ranks, send, recv):
    for other in range(ranks):
        if other != rank:
            send(other, x)
    arrived = {other: recv(other) for other in range(ranks) if other != rank} | {rank: x}
    return sum(arrived[each] for each in range(ranks))


def fit_alpha_beta(sizes, times, ranks):
    s, t = np.asarray(sizes, float), np.asarray(times, float)
    columns = np.stack([2 * (ranks - 1) / t, 2 * (ranks - 1) / ranks * s / t], axis=1)
    return np.linalg.lstsq(columns, np.ones(len(t)), rcond=None)[0]
