"""Adds points up: from a verdict, the marks of a person and the late rule to one total.

Pure arithmetic on decimal numbers: 0.1 + 0.2 points are 0.3. What is still to be marked counts
nothing so far; a total is never more than all points of the lab and never less than 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from grading.rules.lateness import Lateness
from grading.rules.totals import Rounding, exact, rounded
from grading.verdict import ExerciseVerdict, SubmissionStatus, Verdict

_CENT = Fraction(1, 100)


@dataclass(frozen=True)
class Score:
    """What a submission gets.

    Parameters
    ----------
    submission
        Its id.
    status
        ``needs_marking`` as long as a text has no points.
    points
        Exercise -> points; None for what is still to be marked.
    reached
        Points given so far, before the late rule.
    total
        The same after it, rounded.
    max_total
        All points of the lab.
    late_days
        Days late; None if unknown.
    late_sentence
        What lateness cost, in a sentence; empty if nothing is to be said.
    """

    submission: str
    status: SubmissionStatus
    points: Mapping[str, float | None]
    reached: float
    total: float
    max_total: float
    late_days: float | None = None
    late_sentence: str = ""


def score(
    verdict: Verdict,
    *,
    max_total: float,
    marks: Mapping[str, float] | None = None,
    late: Lateness | None = None,
    rounding: Rounding | None = None,
) -> Score:
    """Return what a submission gets.

    Parameters
    ----------
    verdict
        What came of it.
    max_total
        All points of the lab.
    marks
        Exercise -> points that a person gave; they take the place of those in the verdict.
    late
        How late it is and what that costs; None if unknown.
    rounding
        How the total is rounded; to cents without it.

    Examples
    --------
    >>> text = ExerciseVerdict("0.3", "to mark", None, 2.0, "A person marks this text.")
    >>> code = ExerciseVerdict("0.1", "partly", 3.3, 4.0, "5 of 6 cases pass.")
    >>> verdict = Verdict("anna", "needs_marking", (code, text))
    >>> score(verdict, max_total=6).status, score(verdict, max_total=6).total
    ('needs_marking', 3.3)
    >>> marked = score(verdict, max_total=6, marks={"0.3": 1.5})
    >>> marked.status, marked.total
    ('graded', 4.8)
    """
    exercises = with_marks(verdict, marks or {}).exercises
    points = {each.exercise: each.points for each in exercises}
    given = sum((exact(each) for each in points.values() if each is not None), Fraction(0))
    reached = float(rounded(min(max(given, Fraction(0)), exact(max_total)), _CENT))
    return Score(
        verdict.submission,
        with_marks(verdict, marks or {}).status,
        points,
        reached,
        total=(rounding or Rounding()).points(reached if late is None else late.points(reached)),
        max_total=float(max_total),
        late_days=None if late is None else late.days,
        late_sentence="" if late is None else late.sentence,
    )


def with_marks(verdict: Verdict, marks: Mapping[str, float]) -> Verdict:
    """Return the verdict with a person's points in place, and the status that follows."""
    exercises = tuple(_marked(each, marks.get(each.exercise)) for each in verdict.exercises)
    status = verdict.status
    if status in ("graded", "needs_marking"):
        status = "needs_marking" if any(each.points is None for each in exercises) else "graded"
    return replace(verdict, exercises=exercises, status=status)


def _marked(exercise: ExerciseVerdict, points: float | None) -> ExerciseVerdict:
    return exercise if points is None else replace(exercise, points=points)
