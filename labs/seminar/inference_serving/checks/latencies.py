"""The open checks of exercise 7.5: a log by hand, and percentiles of a few numbers."""

from collections.abc import Sequence

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student

RELATIVE = 1e-9  # differences of times below 1e5 ms with 1e-3 ms: 1e-16 * 1e8


def judge_times(student: Student, arrival_ms: float, *, token_ms: Sequence[float]) -> None:
    """Assert both times, from the times put back together."""
    first_ms, gaps_ms = student.request_times(arrival_ms, list(token_ms))
    what = f"the time to the first token of a request from {arrival_ms:g} ms on"
    assert_equal(first_ms, token_ms[0] - arrival_ms, what=what, relative=RELATIVE)
    assert len(gaps_ms) == len(token_ms) - 1, (
        f"{len(token_ms)} tokens have {len(token_ms) - 1} gaps between them, you have "
        f"{len(gaps_ms)}"
    )
    want = [token_ms[i + 1] - token_ms[i] for i in range(len(token_ms) - 1)]
    assert_equal(gaps_ms, want, what="the gaps between tokens", relative=RELATIVE)


def judge_percentiles(
    student: Student, samples: Sequence[float], *, percents: Sequence[int]
) -> None:
    """Assert which percentiles are there, and each by counting samples."""
    got = student.percentiles(list(samples), list(percents))
    n = len(samples)
    supported = [p for p in percents if p**n * 20 <= 100**n]  # in whole numbers, exact
    assert isinstance(got, dict), f"the answer is a dict, yours is {evidence.brief(got)}"
    assert sorted(got) == supported, (
        f"{n} samples support the percentiles {supported} of {list(percents)}, you have "
        f"{sorted(got)}"
    )
    for p in supported:
        enough = (x for x in samples if 100 * sum(y <= x for y in samples) >= p * n)
        what = f"the {p}th percentile of {n} samples"
        assert_equal(got[p], min(enough), what=what, relative=RELATIVE)


@check(
    "7.5",
    sentence="The time to the first token begins with the arrival, so it holds the wait in the "
    "queue.",
)
def a_request_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take a request from 100 ms on whose tokens came at 130, 140 and 155 ms."""
    first_ms, gaps_ms = student.request_times(100.0, [130.0, 140.0, 155.0])
    evidence.table(
        [
            {"time": "first token [ms]", "expected": 30.0, "yours": first_ms},
            {"time": "gaps [ms]", "expected": [10.0, 15.0], "yours": list(gaps_ms)},
        ]
    )
    assert_equal(first_ms, 30.0, what="the time to the first token, from 100 to 130 ms")
    assert_equal(gaps_ms, [10.0, 15.0], what="the gaps between tokens at 130, 140 and 155 ms")


@check("7.5", sentence="With n tokens there are n - 1 gaps.")
def a_single_token(student: Student, rng: np.random.Generator) -> None:
    """Take requests with one token, and with several."""
    judge_times(student, 5.0, token_ms=[7.5])
    judge_times(student, 0.0, token_ms=[1.0, 2.0, 4.0, 8.0, 16.0])


@check(
    "7.5",
    sentence="The p-th percentile is the smallest sample that at least p % of all samples do not"
    " exceed.",
)
def ten_numbers(student: Student, rng: np.random.Generator) -> None:
    """Take 1 to 10 in another order: half of them do not exceed 5, 70 % do not exceed 7."""
    samples = rng.permutation(np.arange(1.0, 11.0)).tolist()
    judge_percentiles(student, samples, percents=[50, 70])
    judge_percentiles(student, samples[:7], percents=[50, 60])


@check("7.5", sentence="A percentile is left out if (p/100)^n is more than 0.05, with n samples.")
def too_few(student: Student, rng: np.random.Generator) -> None:
    """Take 28 and 29 samples: only the latter support the 90th percentile."""
    rows = []
    for n in (4, 5, 28, 29):
        got = student.percentiles(rng.normal(size=n).tolist(), [50, 90])
        want = [p for p in (50, 90) if n >= {50: 5, 90: 29}[p]]
        rows.append({"samples": n, "supported": want, "yours": sorted(got)})
    evidence.table(rows)
    for row in rows:
        what = f"the percentiles of 50 and 90 that {row['samples']} samples support"
        assert_equal(row["yours"], row["supported"], what=what)
