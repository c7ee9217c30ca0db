"""The open checks of exercise 8.3: percentiles bounded by samples, binomials summed exactly."""

import math
from fractions import Fraction
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student

Ends = tuple[float, float | None, float | None]


def wanted_interval(samples: Any, percent: int, *, level: float) -> Ends:
    """Return value and ends, the binomial summed as fractions: nothing is rounded."""
    ordered = sorted(float(x) for x in samples)
    n, p, risk = len(ordered), Fraction(percent, 100), (1 - Fraction(level)) / 2
    chances = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    low = high = None
    fewer = Fraction(0)  # than k samples below the true percentile
    for k in range(1, n + 1):
        fewer += chances[k - 1]
        if fewer <= risk:
            low = ordered[k - 1]
        if high is None and 1 - fewer <= risk:
            high = ordered[k - 1]
    return ordered[math.ceil(Fraction(n * percent, 100)) - 1], low, high


def judge_interval(got: Any, *, samples: Any, percent: int, level: float) -> None:
    """Assert the three numbers, naming the first that is off."""
    assert isinstance(got, tuple | list | np.ndarray), f"return three values, not {got!r:.40}"
    assert len(got) == 3, f"return (value, low, high); yours has {len(got)}"
    wanted = wanted_interval(samples, percent, level=level)
    for name, have, want in zip(("value", "low end", "high end"), got, wanted, strict=True):
        what = f"{name} of p{percent} from {len(samples)} samples at level {level:g}"
        if want is None or have is None:
            assert have is want, f"{what}: expected {want}, you have {have}"
        else:
            assert_equal(have, want, what=what)


@check(
    "8.3",
    sentence="The value is the smallest sample that at least `percent` of all samples "
    "do not exceed.",
)
def nearest_rank(student: Student, rng: np.random.Generator) -> None:
    """Take ten samples: half of them do not exceed the fifth, nine tenths the ninth."""
    samples = rng.permutation(np.arange(1, 11)) * 10
    for percent, want in ((50, 50), (90, 90), (91, 100), (1, 10)):
        got = student.percentile_interval(samples, percent, 0.95)
        assert_equal(got[0], want, what=f"p{percent} of 10, 20, ... 100")


@check("8.3", sentence="An end that no sample gives is None.")
def what_samples_support(student: Student, rng: np.random.Generator) -> None:
    """Bound the median and p90 with 20 and 50 samples."""
    rows = []
    for n, percent in ((20, 50), (20, 90), (50, 90), (5, 50)):
        samples = np.round(rng.exponential(100, n), 1)
        got = student.percentile_interval(samples, percent, 0.95)
        want = wanted_interval(samples, percent, level=0.95)
        rows.append({"n": n, "percentile": percent, "expected": want, "yours": got, "_": samples})
    evidence.table([{k: v for k, v in row.items() if k != "_"} for row in rows])
    for row in rows:
        judge_interval(row["yours"], samples=row["_"], percent=row["percentile"], level=0.95)


@check("8.3", sentence="`fewest_samples` is the smallest n for which both ends exist.")
def fewest_for_the_median(student: Student, rng: np.random.Generator) -> None:
    """Five samples miss the median on one side in 1 of 32 cases, six in 1 of 64."""
    assert_equal(student.fewest_samples(50, 0.95), 6, what="fewest samples for p50")
