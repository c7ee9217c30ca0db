import numpy as np


def speedup_and_efficiency(ranks, times):
    speedups = [times[0] / t for t in times]
    return speedups, [s * ranks[0] / n for s, n in zip(speedups, ranks, strict=True)]


def amdahl_fit(ranks, times):
    from scipy import optimize

    n, t = np.array(ranks, dtype=float), np.array(times, dtype=float)
    unit = t[0]

    def relative_errors(numbers):
        total, share = numbers
        return total * (share + (1 - share) / n) * unit / t - 1

    found = optimize.least_squares(relative_errors, [1.0, 0.1], xtol=1e-15, ftol=1e-15, gtol=1e-15)
    return found.x[0] * unit, found.x[1]


def scaled_learning_rate(base, factor, step, warmup_steps):
    if step >= warmup_steps:
        return factor * base
    return base + (factor - 1) * base * step / warmup_steps
