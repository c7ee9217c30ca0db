import numpy as np


def speedup_and_efficiency(ranks, times):
    rows = [(times[0] / t, times[0] * ranks[0] / (t * n)) for n, t in zip(ranks, times)]
    return [r[0] for r in rows], [r[1] for r in rows]


def amdahl_fit(ranks, times):
    u = 1 / np.array(times)
    v = u / np.array(ranks)
    matrix = np.array([[u @ u, u @ v], [u @ v, v @ v]])
    serial, parallel = np.linalg.solve(matrix, [u.sum(), v.sum()])
    return serial + parallel, serial / (serial + parallel)


def scaled_learning_rate(base, factor, step, warmup_steps):
    rise = (factor - 1) * base
    return base + rise * (1 if step >= warmup_steps else step / warmup_steps)
