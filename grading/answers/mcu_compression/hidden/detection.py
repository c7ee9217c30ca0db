"""The hidden checks of detection: the same sentences, other inputs."""

import math

import numpy as np

from labs.engine.checks import assert_equal, check
from labs.engine.student import Student


@check("1.8", sentence="Row i of the result is the mean of rows i - window + 1 to i.", weight=2)
def other_windows(student: Student, rng: np.random.Generator) -> None:
    scores = rng.dirichlet(np.ones(4), size=40)
    for window in (1, 2, 7):
        got = np.asarray(student.smooth(scores.copy(), window), dtype=np.float64)
        want = np.stack([scores[max(0, i + 1 - window) : i + 1].mean(0) for i in range(40)])
        # Sums of 40 float32 numbers err by 40 * 6e-8 of their size at most.
        what = f"rows from {window - 1} on smoothed over {window}"
        assert_equal(got[window - 1 :], want[window - 1 :], what=what, relative=1e-5)


@check("1.8", sentence="The first rows have fewer rows behind them and average over those.")
def a_window_longer_than_the_scores(student: Student, rng: np.random.Generator) -> None:
    scores = rng.dirichlet(np.ones(3), size=5)
    want = np.cumsum(scores, 0) / np.arange(1, 6)[:, None]
    for window in (5, 12):
        got = student.smooth(scores.copy(), window)
        assert_equal(got, want, what=f"5 rows smoothed over {window}", relative=1e-5)


@check("1.8", sentence="A clip is accepted if its score is at least the threshold.")
def scores_at_the_threshold(student: Student, rng: np.random.Generator) -> None:
    threshold = float(rng.integers(1, 4)) / 4
    scores = np.repeat([threshold, threshold - 0.125, threshold, threshold + 0.125], [3, 2, 4, 1])
    is_keyword = np.repeat([True, True, False, False], [3, 2, 4, 1])
    got = student.error_rates(scores, is_keyword, threshold)
    what = "(false rejects, false accepts) with scores at the threshold"
    assert_equal(got, (0.4, 1.0), what=what, relative=1e-6)


@check("1.8", sentence="The false reject rate is the share of the keywords that are not accepted.")
def unequal_numbers(student: Student, rng: np.random.Generator) -> None:
    scores, is_keyword = rng.uniform(size=60), rng.permutation(60) < 17
    for threshold in (0.2, 0.6, 0.85):
        rejected = sum(1 for s, k in zip(scores, is_keyword) if k and s < threshold)
        accepted = sum(1 for s, k in zip(scores, is_keyword) if not k and s >= threshold)
        got = student.error_rates(scores, is_keyword, threshold)
        what = f"(false rejects, false accepts) of 17 keywords and 43 others at {threshold}"
        assert_equal(got, (rejected / 17, accepted / 43), what=what, relative=1e-6)
    got = student.error_rates(np.array([0.2, 0.9]), np.array([True, False]), 0.5)
    assert_equal(got, (1.0, 1.0), what="(false rejects, false accepts) of one keyword, one other")


@check("1.8", sentence="A share of no clips is 0.")
def only_keywords_or_only_others(student: Student, rng: np.random.Generator) -> None:
    scores = np.array([0.9, 0.8, 0.1])
    for is_keyword, want in ((np.ones(3, bool), (1 / 3, 0.0)), (np.zeros(3, bool), (0.0, 2 / 3))):
        got = student.error_rates(scores, is_keyword, 0.5)
        kind = "keywords" if is_keyword[0] else "others"
        what = f"(false rejects, false accepts) of {kind} alone"
        assert_equal(got, want, what=what, relative=1e-6)


def _poisson_cdf(count: int, mean: float) -> float:
    """Add up the probabilities of 0 to count events."""
    log_mean = math.log(mean)
    return math.fsum(math.exp(k * log_mean - mean - math.lgamma(k + 1)) for k in range(count + 1))


@check(
    "1.8",
    sentence="The bound is the rate at which so few false alarms have the probability 1 - level.",
    weight=3,
)
def bounds_of_other_counts(student: Student, rng: np.random.Generator) -> None:
    for level in (0.9, 0.95, 0.99):
        count, hours = int(rng.integers(2, 40)), float(rng.uniform(0.3, 30))
        bound = float(student.false_alarm_bound(count, hours, level))
        what = f"the bound for {count} in {hours:.3g} h at {level}"
        counted = count / hours
        assert counted < bound < math.inf, (
            f"{what} lies above the rate counted, {counted:.4g} per hour; you have {bound:.4g}"
        )
        low, high = (_poisson_cdf(count, bound * (1 + e) * hours) for e in (6e-4, -6e-4))
        found = _poisson_cdf(count, bound * hours)
        assert low <= 1 - level <= high, (
            f"{what}: at your {bound:.6g} per hour so few have the probability {found:.5f}, "
            f"not {1 - level:.5f}"
        )


@check("1.8", sentence="With no false alarm at all the bound is -ln(1 - level) / hours.")
def no_alarm_at_other_levels(student: Student, rng: np.random.Generator) -> None:
    for level in (0.5, 0.9, 0.99):
        hours = float(rng.uniform(0.2, 50))
        got = float(student.false_alarm_bound(0, hours, level))
        what = f"bound per hour for 0 in {hours:.3g} h at {level}"
        assert_equal(got, -math.log(1 - level) / hours, what=what, relative=6e-4)
    got = float(student.false_alarm_bound(0, 2.0))
    assert_equal(got, -math.log(0.05) / 2, what="bound with no level given", relative=6e-4)
