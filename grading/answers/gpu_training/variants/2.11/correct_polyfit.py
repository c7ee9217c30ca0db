import numpy as np


def speedup_and_efficiency(ranks, times):
    table = np.array([ranks, times], dtype=float)
    speedups = table[1, 0] / table[1]
    return speedups, speedups / (table[0] / table[0, 0])


def amdahl_fit(ranks, times):
    slope, offset = np.polyfit(1 / np.array(ranks, float), times, 1, w=1 / np.array(times))
    return offset + slope, offset / (offset + slope)


def scaled_learning_rate(base, factor, step, warmup_steps):
    done = 1.0 if warmup_steps == 0 else min(1.0, step / warmup_steps)
    return base * (1 - done) + factor * base * done
