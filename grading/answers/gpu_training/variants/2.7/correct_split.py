import numpy as np
from scipy import optimize


def ring_all_reduce(x, rank, ranks, send, recv):
    length = -(-x.size // ranks)
    pieces = np.split(np.pad(x, (0, length * ranks - x.size)), ranks)
    at = rank
    for _ in range(ranks - 1):
        send((rank + 1) % ranks, pieces[at])
        at = (at - 1) % ranks
        pieces[at] = pieces[at] + recv((rank - 1) % ranks)
    for _ in range(ranks - 1):
        send((rank + 1) % ranks, pieces[at])
        at = (at - 1) % ranks
        pieces[at] = recv((rank - 1) % ranks)
    return np.concatenate(pieces)[: x.size]


def fit_alpha_beta(sizes, times, ranks):
    def relative_errors(numbers):
        alpha_us, beta_ns = numbers
        latency = 2 * (ranks - 1) * alpha_us * 1e-6
        transfer = 2 * (ranks - 1) / ranks * np.asarray(sizes) * beta_ns * 1e-9
        return (latency + transfer) / np.asarray(times) - 1

    found = optimize.least_squares(relative_errors, [1.0, 1.0], xtol=1e-15, ftol=1e-15, gtol=1e-15)
    return found.x[0] * 1e-6, found.x[1] * 1e-9
