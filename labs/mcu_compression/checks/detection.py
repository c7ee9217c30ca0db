"""The open checks of detection: smoothing, error rates and the bound on false alarms."""

import math

import matplotlib as mpl
import numpy as np

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student


@check("1.8", sentence="Row i of the result is the mean of rows i - window + 1 to i.")
def one_high_row(student: Student, rng: np.random.Generator) -> None:
    """Smooth scores that are 0 but for one row: the mean may look back, never ahead."""
    scores = np.zeros((10, 2))
    scores[4] = (0.9, 0.3)
    smoothed = np.asarray(student.smooth(scores, 3), dtype=np.float64)
    assert smoothed.shape == (10, 2), f"one row a window: (10, 2), you have {smoothed.shape}"
    want = np.zeros((10, 2))
    want[4:7] = (0.3, 0.1)
    with mpl.rc_context(plots.STYLE):
        figure, axes = plots.new_figure()
        axes.step(range(10), scores[:, 0], "--", where="mid", color=plots.GREY, label="raw")
        axes.plot(range(10), smoothed[:, 0], "o-", color=plots.COLORS[0], label="yours")
        axes.set(xlabel="window [1]", ylabel="score [1]", title="One high score, smoothed over 3")
        axes.legend()
    evidence.picture(figure, alt="A single high score and your average of it over 3 windows.")
    assert np.abs(smoothed[:4]).max() < 1e-9, (
        "the mean looks ahead: rows before the high one are not 0"
    )
    assert_equal(smoothed, want, what="0.9 in row 4 smoothed over 3", relative=1e-6)


@check("1.8", sentence="The first rows have fewer rows behind them and average over those.")
def first_rows(student: Student, rng: np.random.Generator) -> None:
    """Smooth a constant: nothing may change, at the start neither."""
    smoothed = student.smooth(np.full((6, 3), 0.4), 4)
    assert_equal(smoothed, np.full((6, 3), 0.4), what="a constant smoothed over 4", relative=1e-6)


@check("1.8", sentence="A clip is accepted if its score is at least the threshold.")
def six_clips(student: Student, rng: np.random.Generator) -> None:
    """Take six clips that can be counted on two hands."""
    scores = np.array([0.9, 0.5, 0.3, 0.5, 0.2, 0.1])
    is_keyword = np.array([True, True, True, False, False, False])
    rows = []
    for threshold, by_hand in ((0.4, (1 / 3, 1 / 3)), (0.5, (1 / 3, 1 / 3)), (0.6, (2 / 3, 0.0))):
        got = np.asarray(student.error_rates(scores, is_keyword, threshold), dtype=np.float64)
        rows.append({"threshold": threshold, "by hand": by_hand, "yours": tuple(got.tolist())})
    evidence.table(rows)
    for row in rows:
        what = f"(false rejects, false accepts) of six clips at {row['threshold']}"
        assert_equal(row["yours"], row["by hand"], what=what, relative=1e-6)


@check("1.8", sentence="The false accept rate is the share of the others that are accepted.")
def two_keywords_of_ten(student: Student, rng: np.random.Generator) -> None:
    """Take unequal numbers: each rate has its own denominator."""
    scores = np.array([0.8, 0.1, 0.7, 0.9, 0.2, 0.2, 0.3, 0.1, 0.0, 0.4])
    is_keyword = np.arange(10) < 2
    got = student.error_rates(scores, is_keyword, 0.5)
    what = "(false rejects, false accepts) of 2 keywords and 8 others"
    assert_equal(got, (0.5, 0.25), what=what, relative=1e-6)


@check("1.8", sentence="With no false alarm at all the bound is -ln(1 - level) / hours.", weight=2)
def no_alarm(student: Student, rng: np.random.Generator) -> None:
    """Listen for one and for three hours, and hear nothing."""
    rows = []
    for hours in (1.0, 3.0):
        bound = float(student.false_alarm_bound(0, hours, 0.95))
        want = -math.log(0.05) / hours
        rows.append({"false alarms": 0, "hours": hours, "by hand": want, "yours": bound})
    got = float(student.false_alarm_bound(1, 1.0, 0.95))
    rows.append({"false alarms": 1, "hours": 1.0, "by hand": 4.743865, "yours": got})
    evidence.table(rows)
    for row in rows:
        what = f"bound per hour for {row['false alarms']} in {row['hours']:g} h at 0.95"
        # Rounded to the four digits asked for it is off by 5e-4 at most.
        assert_equal(row["yours"], row["by hand"], what=what, relative=6e-4)
