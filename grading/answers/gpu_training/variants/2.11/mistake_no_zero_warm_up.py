# message: ZeroDivisionError
import numpy as np


def speedup_and_efficiency(ranks, times):
    speedups = [times[0] / t for t in times]
    return speedups, [s * ranks[0] / n for s, n in zip(speedups, ranks, strict=True)]


def amdahl_fit(ranks, times):
    n, t = np.array(ranks, dtype=float), np.array(times, dtype=float)
    columns = np.stack([1 / t, 1 / (n * t)], axis=1)
    serial_s, parallel_s = np.linalg.lstsq(columns, np.ones(len(t)), rcond=None)[0]
    return serial_s + parallel_s, serial_s / (serial_s + parallel_s)


def scaled_learning_rate(base, factor, step, warmup_steps):
    return base + (factor - 1) * base * min(1, step / warmup_steps)
