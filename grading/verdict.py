"""What grading finds, as plain data: cases, exercises, a whole submission.

A verdict is the same whatever the machine, the order and the number of jobs: it holds no time, no
path and no cost. It is computed in `grading.assessing.assess`, stored by `grading.store`, and shown
by `grading.results.feedback`; nothing here decides anything.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

ExerciseStatus = Literal[
    "passed",  # every case passes
    "partly",  # some do
    "failed",  # none does
    "stopped",  # the student's code ended its process, or was stopped, in at least one case
    "not attempted",  # found, and still the stub
    "not found",  # no cell holds it
    "to mark",  # a text that a person marks
]
SubmissionStatus = Literal["graded", "needs_marking", "refused", "missing"]


@dataclass(frozen=True)
class CaseVerdict:
    """One case of an exercise.

    Parameters
    ----------
    name
        Name of the check; for instructors.
    sentence
        The sentence of the exercise that it tests.
    is_hidden
        Whether students never see the case itself: neither name, nor message, nor inputs.
    weight
        Its part of the exercise.
    passed
        Whether it passes.
    message
        What is wrong; of a hidden case for instructors only.
    calls
        The last calls made, as request and answer; of a hidden case for instructors only.
    """

    name: str
    sentence: str
    is_hidden: bool
    weight: float
    passed: bool
    message: str = ""
    calls: tuple[tuple[str, str], ...] = ()

    def earns(self, cases: Sequence["CaseVerdict"]) -> bool:
        """Say whether it counts: an open case only where the hidden ones of its sentence pass.

        Inputs of open cases are known to everybody, so that a table of answers passes them.

        Parameters
        ----------
        cases
            All cases of the exercise.
        """
        twins = (each for each in cases if each.is_hidden and each.sentence == self.sentence)
        return self.passed and (self.is_hidden or all(each.passed for each in twins))


@dataclass(frozen=True)
class ExerciseVerdict:
    """What came of one exercise.

    Parameters
    ----------
    exercise
        Its id.
    status
        One of `ExerciseStatus`.
    points
        Points earned; None for a text that is still to be marked.
    max_points
        Points of a full solution.
    sentence
        What happened, in a sentence for the student.
    cases
        Its cases; empty if none ran.
    notes
        What a person should know.
    """

    exercise: str
    status: ExerciseStatus
    points: float | None
    max_points: float
    sentence: str
    cases: tuple[CaseVerdict, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What came of one submission.

    Parameters
    ----------
    submission
        Its id.
    status
        One of `SubmissionStatus`.
    exercises
        The verdicts in the order of the lab; empty if refused.
    problem
        Why it was refused; empty otherwise.
    notes
        What a person should know.
    flags
        What a person must look at before grades go out; each a sentence.
    walls
        Names of the walls that student code ran behind.
    """

    submission: str
    status: SubmissionStatus
    exercises: tuple[ExerciseVerdict, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    walls: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """Points given so far, before the late rule."""
        return round(sum(each.points or 0.0 for each in self.exercises), 2)


def to_json(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as an object of JSON."""
    return dataclasses.asdict(verdict)


def from_json(fields: Mapping[str, Any]) -> Verdict:
    """Return the verdict in an object that `to_json` made.

    Examples
    --------
    >>> cases = (CaseVerdict("c", "It adds.", False, 1.0, True, calls=(("f(1)", "2"),)),)
    >>> one = ExerciseVerdict("0.1", "passed", 4.0, 4.0, "All cases pass.", cases)
    >>> verdict = Verdict("anna", "graded", (one,), notes=("late",))
    >>> import json
    >>> from_json(json.loads(json.dumps(to_json(verdict)))) == verdict
    True
    """
    exercises = tuple(
        ExerciseVerdict(
            **{
                **each,
                "cases": tuple(
                    CaseVerdict(**{**case, "calls": tuple(map(tuple, case["calls"]))})
                    for case in each["cases"]
                ),
                "notes": tuple(each["notes"]),
            }
        )
        for each in fields["exercises"]
    )
    texts = {key: tuple(fields[key]) for key in ("notes", "flags", "walls")}
    return Verdict(**{**fields, **texts, "exercises": exercises})
