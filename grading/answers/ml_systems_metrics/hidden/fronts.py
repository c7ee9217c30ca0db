"""Hidden cases of exercise 8.5."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.ml_systems_metrics.checks.fronts import judge_kinds


def _judge(
    student: Student, low: np.ndarray, high: np.ndarray, better: list[str], what: str
) -> None:
    got = student.sort_out(low, high, better)
    judge_kinds(got, low=low, high=high, better=better, what=what)


def _drawn(rng: np.random.Generator, count: int, quantities: int, width: float) -> tuple:
    low = rng.uniform(1, 10, (count, quantities))
    better = [str(way) for way in rng.permutation(["higher", "lower", "lower", "higher"])]
    return low, low + width * rng.random(low.shape), better[:quantities]


@check(
    "8.5",
    sentence="One surely beats another if its worst end is at least as good as the other's best "
    "end in every quantity, and better in at least one.",
    weight=2,
)
def several_quantities(student: Student, rng: np.random.Generator) -> None:
    for quantities in (1, 2, 3, 4):
        low, high, better = _drawn(rng, 12, quantities, 1.5)
        _judge(student, low, high, better, f"{quantities} quantities, {', '.join(better)}")


@check(
    "8.5",
    sentence="One possibly beats another if its best end is at least as good as the other's worst "
    "end in every quantity, and better in at least one.",
    weight=2,
)
def wide_bars(student: Student, rng: np.random.Generator) -> None:
    for width in (0.2, 4.0):
        low, high, better = _drawn(rng, 8, 2, width)
        _judge(student, low, high, better, f"bars up to {width:g} wide")


@check(
    "8.5",
    sentence="One that no other even possibly beats is 'surely' on the front; all the rest are "
    "'possibly'.",
)
def equal_and_touching(student: Student, rng: np.random.Generator) -> None:
    exact = np.array([[3.0, 1.0], [3.0, 1.0], [2.0, 1.0], [1.0, 0.5]])
    _judge(student, exact, exact, ["higher", "lower"], "two equal configurations")
    low, high = np.array([[1.0], [2.0], [2.0]]), np.array([[2.0], [3.0], [2.0]])
    _judge(student, low, high, ["higher"], "intervals that touch")
    _judge(student, low, high, ["lower"], "intervals that touch")


@check(
    "8.5",
    sentence="One that no other even possibly beats is 'surely' on the front; all the rest are "
    "'possibly'.",
)
def a_single_one(student: Student, rng: np.random.Generator) -> None:
    low, high, better = _drawn(rng, 1, 3, 2.0)
    _judge(student, low, high, better, "a single configuration")


@check("8.5", sentence="A configuration that some other surely beats is 'dominated'.")
def beaten_by_an_undecided_one(student: Student, rng: np.random.Generator) -> None:
    low = np.array([[10.0], [9.0], [1.0]])
    high = np.array([[12.0], [11.0], [2.0]])
    _judge(student, low, high, ["higher"], "one beaten by two that are undecided")
