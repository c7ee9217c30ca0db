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
    from scipy import optimize

    s, t = np.asarray(sizes, float), np.asarray(times, float)

    def errors(logs):
        alpha_s, beta_s = np.exp(logs)
        return np.log(2 * (ranks - 1) * (alpha_s + s / ranks * beta_s) / t)

    return np.exp(optimize.least_squares(errors, [-9.0, -21.0], xtol=1e-14, ftol=1e-14).x)
