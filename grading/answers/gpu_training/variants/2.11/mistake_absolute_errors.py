# message: one_rank_s is
import numpy as np


def speedup_and_efficiency(ranks, times):
    speedups = [times[0] / t for t in times]
    return speedups, [s * ranks[0] / n for s, n in zip(speedups, ranks, strict=True)]


def amdahl_fit(ranks, times):
    slope, offset = np.polyfit(1 / np.array(ranks, float), times, 1)
    return offset + slope, offset / (offset + slope)


def scaled_learning_rate(base, factor, step, warmup_steps):
    if step >= warmup_steps:
        return factor * base
    return base + (factor - 1) * base * step / warmup_steps
