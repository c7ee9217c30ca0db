"""The hidden checks of exercise 7.5: the same sentences on drawn logs and samples."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.inference_serving.checks.latencies import judge_percentiles, judge_times


@check(
    "7.5",
    sentence="The time to the first token begins with the arrival, so it holds the wait in the "
    "queue.",
)
def drawn_logs(student: Student, rng: np.random.Generator) -> None:
    for tokens in (1, 2, 9, 40):
        arrival_ms = float(rng.uniform(0, 1e4))
        judge_times(
            student,
            arrival_ms,
            token_ms=(arrival_ms + rng.exponential(30, tokens).cumsum()).tolist(),
        )


@check("7.5", sentence="With n tokens there are n - 1 gaps.")
def short_requests(student: Student, rng: np.random.Generator) -> None:
    for tokens in (1, 2, 3):
        judge_times(student, 50.0, token_ms=(50 + rng.integers(1, 20, tokens).cumsum()).tolist())


@check(
    "7.5",
    sentence="The p-th percentile is the smallest sample that at least p % of all samples do not"
    " exceed.",
    weight=2,
)
def drawn_samples(student: Student, rng: np.random.Generator) -> None:
    for n in (20, 60, 100, 300):
        judge_percentiles(student, rng.lognormal(4, 1, n).tolist(), percents=[50, 75, 90, 95, 99])
    ties = rng.integers(0, 4, 60).astype(float).tolist()
    judge_percentiles(student, ties, percents=[50, 60, 90, 95])


@check("7.5", sentence="A percentile is left out if (p/100)^n is more than 0.05, with n samples.")
def numbers_at_the_limit(student: Student, rng: np.random.Generator) -> None:
    for n in (1, 4, 5, 13, 14, 28, 29, 58, 59, 298, 299):
        judge_percentiles(student, rng.normal(size=n).tolist(), percents=[50, 80, 90, 95, 99])
