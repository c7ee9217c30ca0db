"""The open checks of exercise 2.11: times that can be followed by hand."""

from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student

# Least squares by any method are right to about 1e-8 here; 1e-5 is far below what another
# weighting changes.
FIT_RELATIVE = 1e-5
ROUNDING = 1e-12  # of a handful of float64 operations


def judge_speedup(got: Any, *, ranks: list[int], times: list[float]) -> None:
    """Assert speed-ups and efficiencies, both relative to the first entry."""
    n, t = np.asarray(ranks, dtype=float), np.asarray(times, dtype=float)
    pair = tuple(got) if isinstance(got, list | tuple | np.ndarray) else ()
    assert len(pair) == 2, f"return two lists, speed-ups and efficiencies; got {got!r:.60}"
    speedups = t[0] / t
    assert_equal(pair[0], speedups, what="the speed-ups", relative=ROUNDING)
    assert_equal(pair[1], speedups * n[0] / n, what="the efficiencies", relative=ROUNDING)


def judge_amdahl(got: Any, *, ranks: list[int], times: list[float]) -> None:
    """Assert the time on one rank and the serial share with the least squared relative errors."""
    n, t = np.asarray(ranks, dtype=float), np.asarray(times, dtype=float)
    # Normal equations of t = a + b / n; T = a + b and s = a / T.
    columns = np.stack([1 / t, 1 / (n * t)], axis=1)
    a, b = np.linalg.solve(columns.T @ columns, columns.sum(0))
    pair = np.asarray(got, dtype=float)
    assert pair.shape == (2,), f"return two numbers, one_rank_s and serial_share; got {got!r:.60}"
    for name, value, want in zip(
        ("one_rank_s", "serial_share"), pair, (a + b, a / (a + b)), strict=True
    ):
        # Relative to the whole where the share itself is small.
        scale = max(abs(want), 0.01)
        assert abs(value - want) <= FIT_RELATIVE * scale, f"{name} is {want:.6g}; yours {value:.6g}"


@check(
    "2.11",
    sentence="The first entry is the reference: the speed-up is its time over each time, the "
    "efficiency is the speed-up over how many times as many ranks.",
)
def three_times(student: Student, rng: np.random.Generator) -> None:
    """Follow three times: 12 s, 8 s and 4 s on 1, 2 and 4 ranks."""
    got = student.speedup_and_efficiency([1, 2, 4], [12.0, 8.0, 4.0])
    rows = [
        {"ranks": n, "time [s]": t, "speed-up": s, "efficiency": e}
        for n, t, s, e in ((1, 12, 1.0, 1.0), (2, 8, 1.5, 0.75), (4, 4, 3.0, 0.75))
    ]
    pair = tuple(got) if isinstance(got, list | tuple | np.ndarray) else ()
    for row, *own in zip(rows, *pair, strict=False) if len(pair) == 2 else ():
        row |= {"your speed-up": own[0], "your efficiency": own[1]}
    evidence.table(rows)
    judge_speedup(got, ranks=[1, 2, 4], times=[12.0, 8.0, 4.0])


@check(
    "2.11",
    sentence="`one_rank_s` and `serial_share`, T and s of Amdahl's law, make the sum of squared "
    "relative errors the least.",
)
def amdahl_without_noise(student: Student, rng: np.random.Generator) -> None:
    """Find 10 s and a tenth in exact times."""
    ranks = [1, 2, 4, 8]
    times = [10 * (0.1 + 0.9 / n) for n in ranks]
    judge_amdahl(student.amdahl_fit(ranks, times), ranks=ranks, times=times)


@check(
    "2.11",
    sentence="The learning rate rises evenly, from `base` at step 0 to `factor * base` at step "
    "`warmup_steps`, and stays there.",
)
def four_steps_of_warm_up(student: Student, rng: np.random.Generator) -> None:
    """Rise from 0.1 to 0.5 within four steps."""
    want = [0.1, 0.2, 0.3, 0.4, 0.5, 0.5]
    got = [student.scaled_learning_rate(0.1, 5, step, 4) for step in range(6)]
    evidence.table(
        [
            {"step": k, "asked for": w, "yours": g}
            for k, (w, g) in enumerate(zip(want, got, strict=True))
        ]
    )
    assert_equal(got, want, what="the learning rates of steps 0 to 5", relative=ROUNDING)
