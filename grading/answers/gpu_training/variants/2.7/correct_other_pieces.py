import numpy as np
import torch


def ring_all_reduce(x, rank, ranks, send, recv):
    """Begin with another piece, keep one running message, and work in torch."""
    if ranks == 1:
        return x.copy()
    length = (len(x) + ranks - 1) // ranks
    table = torch.zeros(ranks, length)
    table.view(-1)[: len(x)] = torch.from_numpy(x)
    running = table[(rank + 2) % ranks].clone()
    for turn in range(2 * (ranks - 1)):
        send((rank + 1) % ranks, running.numpy())
        running = torch.from_numpy(np.array(recv((rank + ranks - 1) % ranks)))
        place = (rank + 1 - turn) % ranks
        if turn < ranks - 1:
            running += table[place]
        table[place] = running
    return table.view(-1)[: len(x)].numpy()


def fit_alpha_beta(sizes, times, ranks):
    s, t = np.array(sizes, dtype=float), np.array(times, dtype=float)
    slope, offset = np.polyfit(s, t, 1, w=1 / t)
    return offset / (2 * (ranks - 1)), slope * ranks / (2 * (ranks - 1))
