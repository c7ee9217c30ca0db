"""Stand-ins for exercise 2.11, by SciPy and NumPy's interpolation."""

from typing import Any

import numpy as np
from scipy import optimize

__all__ = ["amdahl_fit", "scaled_learning_rate", "speedup_and_efficiency"]


def speedup_and_efficiency(ranks: Any, times: Any) -> tuple[list[float], list[float]]:
    """Return speed-ups and efficiencies, relative to the first entry."""
    rates = np.reciprocal(np.asarray(times, dtype=float))
    each = rates / np.asarray(ranks, dtype=float)
    return (rates / rates[0]).tolist(), (each / each[0]).tolist()


def amdahl_fit(ranks: Any, times: Any) -> tuple[float, float]:
    """Return the time on one rank [s] and the serial share, by `scipy.optimize.lsq_linear`."""
    n, t = np.asarray(ranks, dtype=float), np.asarray(times, dtype=float)
    found = optimize.lsq_linear(np.column_stack([1 / t, 1 / (n * t)]), np.ones(len(t))).x
    return float(found.sum()), float(found[0] / found.sum())


def scaled_learning_rate(base: float, factor: float, step: int, warmup_steps: int) -> float:
    """Return the learning rate of a step, by `numpy.interp`.

    Parameters
    ----------
    base, factor
        Where it starts, and how many times that it reaches.
    step, warmup_steps
        Which step, from 0, and at which one it arrives.
    """
    ends = [base, factor * base] if warmup_steps else [factor * base] * 2
    return float(np.interp(step, [0, max(warmup_steps, 1)], ends))
