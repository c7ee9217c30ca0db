"""Hidden cases of exercise 8.3."""

import numpy as np

from labs.engine.checks import assert_equal, check
from labs.engine.student import Student
from labs.seminar.ml_systems_metrics.checks.percentiles import judge_interval, wanted_interval


@check(
    "8.3",
    sentence="The low end is the k-th smallest sample with the largest k for which P(B < k) is at "
    "most (1 - level) / 2.",
    weight=2,
)
def low_ends(student: Student, rng: np.random.Generator) -> None:
    for percent in (50, 75, 90, 99):
        n, level = int(rng.integers(40, 400)), float(rng.choice([0.8, 0.9, 0.97, 0.99]))
        samples = rng.lognormal(3, 1, n)
        got = student.percentile_interval(samples, percent, level)
        want = wanted_interval(samples, percent, level=level)
        assert_equal(got[1], want[1], what=f"low end of p{percent} from {n} samples at {level:g}")


@check(
    "8.3",
    sentence="The high end is the k-th smallest sample with the smallest k for which P(B >= k) is "
    "at most (1 - level) / 2.",
    weight=2,
)
def high_ends(student: Student, rng: np.random.Generator) -> None:
    for percent in (10, 50, 75, 90):
        n, level = int(rng.integers(60, 400)), float(rng.choice([0.8, 0.9, 0.97]))
        samples = rng.lognormal(3, 1, n)
        got = student.percentile_interval(samples, percent, level)
        want = wanted_interval(samples, percent, level=level)
        assert_equal(got[2], want[2], what=f"high end of p{percent} from {n} samples at {level:g}")


@check("8.3", sentence="An end that no sample gives is None.", weight=2)
def just_too_few(student: Student, rng: np.random.Generator) -> None:
    for percent, fewest in ((50, 6), (90, 36), (10, 36), (75, 13)):
        for n in (fewest - 1, fewest, fewest + 1):
            samples = rng.permutation(n) * 3
            got = student.percentile_interval(samples, percent, 0.95)
            judge_interval(got, samples=samples, percent=percent, level=0.95)


@check(
    "8.3",
    sentence="The value is the smallest sample that at least `percent` of all samples do not "
    "exceed.",
)
def samples_that_tie(student: Student, rng: np.random.Generator) -> None:
    for percent in (25, 50, 90):
        samples = rng.integers(0, 6, int(rng.integers(8, 40)))
        got = student.percentile_interval(samples, percent, 0.9)
        judge_interval(got, samples=samples, percent=percent, level=0.9)


@check("8.3", sentence="`fewest_samples` is the smallest n for which both ends exist.", weight=2)
def fewest_for_others(student: Student, rng: np.random.Generator) -> None:
    for percent, level, want in ((99, 0.95, 368), (90, 0.95, 36), (5, 0.9, 59), (50, 0.99, 8)):
        got = student.fewest_samples(percent, level)
        assert_equal(got, want, what=f"fewest samples for p{percent} at level {level:g}")
