"""The open checks of exercise 8.5: three configurations on a line, and the same with wide bars."""

from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student

Pairs = list[tuple[float, float]]


def wanted_kinds(low: Any, high: Any, *, better: Any) -> list[str]:
    """Return the kinds by comparing each pair quantity by quantity."""
    pairs = [
        [
            (float(b), float(a)) if way == "higher" else (-float(a), -float(b))
            for a, b, way in zip(lows, highs, better, strict=True)
        ]
        for lows, highs in zip(low, high, strict=True)
    ]  # each quantity as (best, worst), the larger the better
    return [_kind(mine, pairs[:i] + pairs[i + 1 :]) for i, mine in enumerate(pairs)]


def _kind(mine: Pairs, others: list[Pairs]) -> str:
    if any(_beats([w for _, w in o], [b for b, _ in mine]) for o in others):
        return "dominated"
    is_open = any(_beats([b for b, _ in o], [w for _, w in mine]) for o in others)
    return "possibly" if is_open else "surely"


def _beats(one: list[float], other: list[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def judge_kinds(got: Any, *, low: Any, high: Any, better: Any, what: str) -> None:
    """Assert the kinds, naming the first that is off."""
    assert isinstance(got, list | tuple | np.ndarray), f"return a list of words, not {got!r:.40}"
    wanted = wanted_kinds(low, high, better=better)
    assert len(got) == len(wanted), f"{what}: one word a configuration; yours {len(got)}"
    for place, (have, want) in enumerate(zip(got, wanted, strict=True)):
        assert str(have) == want, f"{what}: configuration {place} is {want!r}; yours {have!r}"


@check("8.5", sentence="A configuration that some other surely beats is 'dominated'.")
def exact_points(student: Student, rng: np.random.Generator) -> None:
    """Take points without width: accuracy, higher is better, and latency, lower is better."""
    points = np.array([[0.9, 10.0], [0.8, 5.0], [0.8, 12.0], [0.95, 20.0]])
    better = ["higher", "lower"]
    got = student.sort_out(points, points, better)
    judge_kinds(got, low=points, high=points, better=better, what="four exact points")


@check(
    "8.5",
    sentence="One that no other even possibly beats is 'surely' on the front; all the "
    "rest are 'possibly'.",
)
def overlapping_bars(student: Student, rng: np.random.Generator) -> None:
    """Give three throughputs and latencies intervals, two of which overlap."""
    low = np.array([[90.0, 9.0], [96.0, 9.5], [40.0, 30.0], [20.0, 2.0]])
    high = np.array([[100.0, 11.0], [110.0, 12.0], [50.0, 33.0], [22.0, 3.0]])
    better = ["higher", "lower"]
    got = student.sort_out(low, high, better)
    wanted = wanted_kinds(low, high, better=better)
    given = list(got) if isinstance(got, list | tuple | np.ndarray) else [got]
    evidence.table(
        [
            {
                "throughput": f"{a[0]:g} to {b[0]:g}",
                "latency": f"{a[1]:g} to {b[1]:g}",
                "expected": w,
                "yours": g,
            }
            for a, b, w, g in zip(low, high, wanted, given, strict=False)
        ]
    )
    judge_kinds(got, low=low, high=high, better=better, what="bars that overlap")
