# message: one_rank_s is
import numpy as np


def speedup_and_efficiency(ranks, times):
    speedups = [times[0] / t for t in times]
    return speedups, [s * ranks[0] / n for s, n in zip(speedups, ranks, strict=True)]


def amdahl_fit(ranks, times):
    n, t = np.array(ranks, float), np.array(times)
    # From t / t[0] - 1 / n = s (1 - 1 / n), with the first time taken for that of one rank.
    left, right = t / t[0] - 1 / n, 1 - 1 / n
    return t[0], left @ right / (right @ right)


def scaled_learning_rate(base, factor, step, warmup_steps):
    if step >= warmup_steps:
        return factor * base
    return base + (factor - 1) * base * step / warmup_steps
