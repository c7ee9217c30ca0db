"""The open checks of exercise 3.3: a curve of six rounds, drawn with the place of the crossing."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student

# A quotient of two differences of numbers up to 1 that are apart by 1e-3 or more: the differences
# are right to 2e-16, so the quotient to about 1e-12. A curve read otherwise is off by far more.
RELATIVE = 1e-9


def crossing(accuracies: Sequence[float], target: float) -> float | None:
    """Return where the best accuracy so far crosses a target, None if it never does."""
    best = accuracies[0]
    if best >= target:
        return 0.0
    for number, each in enumerate(accuracies[1:], 1):
        if each >= target:
            return number - 1 + (target - best) / (each - best)
        best = max(best, each)
    return None


def judge_rounds(student: Student, accuracies: Sequence[float], *, target: float) -> None:
    """Assert the rounds to a target."""
    got, want = student.rounds_to(list(accuracies), target), crossing(accuracies, target)
    curve = ", ".join(f"{each:.3g}" for each in accuracies[:8])
    what = f"rounds to {target:g} of the accuracies {curve}{', ...' if len(accuracies) > 8 else ''}"
    if want is None or got is None:
        assert got == want, f"{what}: {want}; yours {got}"
    else:
        number = float(got)
        assert abs(number - want) <= RELATIVE * max(1.0, want), (
            f"{what}: {want:g}; yours {number:g}"
        )


def judge_bytes(
    student: Student, accuracies: Sequence[float], *, target: float, up: Any, down: Any
) -> None:
    """Assert the bytes to a target: those of whole rounds, both ways."""
    got = student.bytes_to(list(accuracies), target, bytes_up=list(up), bytes_down=list(down))
    last = next((number for number, each in enumerate(accuracies) if each >= target), None)
    want = None if last is None else sum(up[:last]) + sum(down[:last])
    assert got is not None or want is None, f"the target {target:g} costs {want:,} B; yours None"
    assert got == want, f"the target {target:g} costs {want} B; yours {got}"


def curve(rng: np.random.Generator, rounds: int) -> list[float]:
    """Return accuracies that rise, and fall back in between, in whole thousandths."""
    steps = rng.integers(-60, 121, rounds)
    steps[steps == 0] = 7
    values: list[float] = (np.clip(np.cumsum([100, *steps]), 0, 990) / 1000).tolist()
    return values


def between(accuracies: Sequence[float], share: float) -> float:
    """Return a target between the first accuracy and the best, half-way between two thousandths.

    Whether such a target is reached does not hang on a last bit.
    """
    low, high = accuracies[0], max(accuracies)
    return (math.floor(1000 * (low + share * (high - low))) + 0.5) / 1000


@check(
    "3.3",
    sentence="The curve is the best accuracy so far, joined by straight lines; its crossing of "
    "the target is a number of rounds, counted from 0.",
)
def six_rounds(student: Student, rng: np.random.Generator) -> None:
    """Draw a curve that falls back before it reaches the target, and where yours crosses."""
    accuracies = [0.125, 0.375, 0.75, 0.5, 0.625, 0.875, 0.8125]
    target = 0.75 + float(rng.integers(1, 8)) / 64
    got = student.rounds_to(list(accuracies), target)
    figure, axes = plots.new_figure()
    axes.plot(accuracies, "o--", color=plots.COLORS[0], label="accuracy")
    best = np.maximum.accumulate(accuracies)
    axes.plot(best, color=plots.COLORS[1], label="best so far")
    axes.axhline(target, color="0.35", linewidth=1)
    if isinstance(got, int | float):
        axes.axvline(float(got), color=plots.COLORS[2], linestyle=":", label="yours")
    axes.set(xlabel="rounds", ylabel="accuracy", title=f"Target {target:g}")
    axes.legend()
    evidence.picture(figure, alt="Accuracy by round, the best so far, the target, your crossing.")
    judge_rounds(student, accuracies, target=target)


@check("3.3", sentence="A target that is never reached gives None.", weight=0.5)
def too_high(student: Student, rng: np.random.Generator) -> None:
    """Ask for more than the curve reaches, and for its first peak."""
    accuracies = [0.1, 0.5, 0.4, 0.6]
    judge_rounds(student, accuracies, target=0.7 + 0.01 * float(rng.integers(0, 9)))
    judge_rounds(student, accuracies, target=0.5)


@check(
    "3.3",
    sentence="Bytes count both ways, of all rounds up to the end of the one that reaches the "
    "target.",
)
def whole_rounds(student: Student, rng: np.random.Generator) -> None:
    """Count the bytes of rounds that differ."""
    accuracies = [0.1, 0.3, 0.6, 0.8]
    up, down = rng.integers(1, 100, (2, 3)).tolist()
    rows = zip(up, down, accuracies[1:], strict=True)
    evidence.table(
        [
            {"round": number, "up [B]": u, "down [B]": d, "accuracy": a}
            for number, (u, d, a) in enumerate(rows, 1)
        ]
    )
    judge_bytes(student, accuracies, target=0.45, up=up, down=down)
