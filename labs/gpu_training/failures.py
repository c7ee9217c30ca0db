"""Failures at random, and which share of a job's time they leave.

Failures of a rank come at a constant rate, independently of each other, so those of a job of n
ranks come n times as often. Real ones cluster: one network switch stops many ranks. This module
draws failures, repeats a simulation that it is given, and knows the expected share; simulating one
job is the exercise.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Simulate = Callable[[float, float, float, float, list[float]], float]
# The training of Llama 3 405B: 16,384 GPUs, 54 days, 419 interruptions that nobody had planned
# (Grattafiori et al. 2024, "The Llama 3 Herd of Models", arXiv:2407.21783, section 3.3.4).
LLAMA_3 = {"ranks": 16_384, "days": 54, "failures": 419}


def rank_mtbf_s(*, ranks: int, days: float, failures: int) -> float:
    """Return the mean time between failures of one rank [s], from those of a large job.

    Examples
    --------
    >>> round(rank_mtbf_s(ranks=1000, days=10, failures=100) / 86_400)
    100
    """
    return ranks * days * 86_400 / failures


def failure_times(rng: np.random.Generator, *, mtbf_s: float, until_s: float) -> list[float]:
    """Return the times at which a job fails, rising, from 0 to a last moment [s].

    Parameters
    ----------
    rng
        Draws the gaps, which are exponential.
    mtbf_s
        Mean time between failures of the job, > 0.
    until_s
        No failure comes later.
    """
    times: list[float] = []
    clock_s = float(rng.exponential(mtbf_s))
    while clock_s <= until_s:
        times.append(clock_s)
        clock_s += float(rng.exponential(mtbf_s))
    return times


def simulated(
    simulate: Simulate,
    intervals_s: Sequence[float],
    *,
    save_s: float,
    restart_s: float,
    mtbf_s: float,
    seeds: Sequence[tuple[int, ...]],
) -> NDArray[np.float64]:
    """Return the goodput of a long job for several intervals, (intervals, seeds).

    The work lasts for 20 times the mean time between failures. With the same seed all intervals
    meet the same failures, so their differences are not luck.

    Parameters
    ----------
    simulate
        ``goodput(work_s, interval_s, save_s, restart_s, failures)``.
    intervals_s
        Work between two saves, > 0 each [s].
    save_s, restart_s
        Of one save, and of one restart [s].
    mtbf_s
        Of the whole job [s].
    seeds
        One a repetition.
    """
    work_s = 20 * mtbf_s
    until_s = 4 * work_s  # far beyond the end of any job whose goodput is worth a picture
    draws = [
        failure_times(np.random.default_rng(seed), mtbf_s=mtbf_s, until_s=until_s) for seed in seeds
    ]
    shares = [
        [simulate(work_s, each, save_s, restart_s, failures) for failures in draws]
        for each in intervals_s
    ]
    return np.array(shares, dtype=np.float64)


def expected(*, interval_s: float, save_s: float, restart_s: float, mtbf_s: float) -> float:
    """Return the goodput that a job without end has on average, in [0, 1].

    With exponential gaps, M between failures, a piece of work w with its save s, begun anew after a
    restart r whenever a failure comes, takes ``M exp(r / M) (exp((w + s) / M) - 1)`` on average
    (Daly 2006, "A higher order estimate of the optimum checkpoint interval for restart dumps").

    Examples
    --------
    >>> round(expected(interval_s=600, save_s=30, restart_s=60, mtbf_s=1e9), 4)  # 600 / 630
    0.9524
    """
    piece_s = mtbf_s * math.exp(restart_s / mtbf_s) * math.expm1((interval_s + save_s) / mtbf_s)
    return interval_s / piece_s
