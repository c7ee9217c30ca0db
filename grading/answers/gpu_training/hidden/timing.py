"""The hidden checks of exercise 2.1: the same sentences, other devices and other times."""

import numpy as np

from labs.engine.checks import check, raises
from labs.engine.student import Student
from labs.gpu_training.checks.timing import judge_durations, judge_interval, timed
from labs.gpu_training.simulated_device import SimulatedDevice


def costs_of(rng: np.random.Generator, calls: int) -> list[float]:
    """Return costs in eighths of a millisecond, no two alike."""
    return [float(c) / 8 for c in rng.choice(np.arange(8, 400), calls, replace=False)]


@check(
    "2.1",
    sentence="A duration begins and ends with an idle device: it holds the whole of one call of "
    "`work`, and nothing that was queued before.",
    weight=2.0,
)
def a_long_queue(student: Student, rng: np.random.Generator) -> None:
    device = SimulatedDevice(costs_of(rng, 4), queued_ms=500.0, launch_ms=0.25)
    got = timed(student, device, warmup=0, repeats=4)
    judge_durations(got, device, warmup=0, repeats=4)


@check(
    "2.1",
    sentence="`work` is first called `warmup` times without being measured, then `repeats` times.",
)
def a_long_warm_up(student: Student, rng: np.random.Generator) -> None:
    device = SimulatedDevice([900.0, 700.0, 500.0, 300.0, *costs_of(rng, 7)], launch_ms=1.0)
    got = timed(student, device, warmup=4, repeats=7)
    judge_durations(got, device, warmup=4, repeats=7)


@check(
    "2.1",
    sentence="The durations come back as a list in the order measured, one of each call, in the "
    "unit of `clock`.",
)
def every_call_apart(student: Student, rng: np.random.Generator) -> None:
    for repeats in (1, 9):
        device = SimulatedDevice(costs_of(rng, 1 + repeats))
        got = timed(student, device, warmup=1, repeats=repeats)
        judge_durations(got, device, warmup=1, repeats=repeats)


@check(
    "2.1",
    sentence="With i as large as 2 P(B <= i) <= 0.05 allows, low is the (i + 1)-th smallest of the "
    "times and high the (i + 1)-th largest.",
    weight=2.0,
)
def more_times(student: Student, rng: np.random.Generator) -> None:
    # The critical values of the two-sided sign test at 5 %, plus one; a test asks scipy.
    for n, rank in ((8, 1), (12, 3), (20, 6), (25, 8), (100, 40)):
        times = [float(t) for t in rng.lognormal(1.0, 1.0, n)]
        judge_interval(student.median_interval(times), times, rank=rank)


@check(
    "2.1",
    sentence="The median is the time in the middle; of an even number of times, the mean of the "
    "two in the middle.",
)
def odd_and_even(student: Student, rng: np.random.Generator) -> None:
    for n, rank in ((6, 1), (7, 1)):
        times = [float(t) for t in rng.lognormal(3.0, 2.0, n)]
        judge_interval(student.median_interval(times), times, rank=rank)


@check("2.1", sentence="Fewer than six times raise a `ValueError`: they support no such interval.")
def very_few(student: Student, rng: np.random.Generator) -> None:
    for n in (1, 2, 5):
        with raises("ValueError"):
            student.median_interval([float(t) for t in rng.uniform(1, 2, n)])
