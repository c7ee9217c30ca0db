"""What a notebook says about its exercises.

`show_check` stands under an exercise, `best` before its first use, `show_prediction` beside a
guess. The first two run the visible checks of the lab on the functions of the
notebook and never raise for what a student wrote. The verdict comes from `labs.engine.checks`; what
counts when grading is computed elsewhere, from the student's functions alone. Nothing is stored.
"""

import contextlib
import html
import importlib
import inspect
import io
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from course_utils import units
from course_utils.records import Result
from labs.engine import catalog, evidence
from labs.engine.checks import CaseResult, Outcome, load_checks, run_cases
from labs.engine.errors import LabFormatError

_SHOWN_CALLS = 3


class CheckReport:
    """The result of `show_check` in a notebook: a table to look at, the points as text.

    Its ``text/plain`` is the number of points earned, which nbgrader reads as partial credit.
    """

    def __init__(self, exercise: catalog.Exercise, outcome: Outcome, note: str = "") -> None:
        self.exercise = exercise
        self.outcome = outcome
        self.note = note

    @property
    def points(self) -> float:
        """Points that the visible cases give, out of all points of the exercise."""
        return round(self.exercise.points * self.outcome.share, 2)

    def __repr__(self) -> str:
        return f"{self.points:g}"

    def _repr_html_(self) -> str:
        rows = [_row(result) for result in self.outcome.cases]
        pictures = "".join(shown.html() for case in self.outcome.cases for shown in case.shown)
        kinds = ", ".join(self.exercise.hidden_kinds)
        hidden = f"<p>When graded, further cases count: {html.escape(kinds)}.</p>" if kinds else ""
        note = f"<p>{html.escape(self.note)}</p>" if self.note else ""
        return f"<p>{self._headline()}</p>{note}{evidence.html_table(rows)}{pictures}{hidden}"

    def _headline(self) -> str:
        passed = sum(case.passed for case in self.outcome.cases)
        said = {
            "not attempted": "not attempted yet",
            "passed": "the open case passes" if passed == 1 else f"the {passed} open cases pass",
        }.get(self.outcome.status, f"{passed} of {len(self.outcome.cases)} open cases pass")
        title = html.escape(f"Exercise {self.exercise.id}, {self.exercise.title}")
        points = f"{self.points:g} of {self.exercise.points} points from the open cases"
        if not self.exercise.points:
            points = "an extension, without points"
        return f"<b>{title}:</b> {said} ({points})"


def _row(result: CaseResult) -> dict[str, str]:
    calls = result.calls[-_SHOWN_CALLS:]
    return {
        "open case": "passes" if result.passed else "fails",
        "what is asked": result.sentence,
        "last calls": "; ".join(f"{call.request} = {call.answer}" for call in calls),
        "what is wrong": result.message,
    }


def show_check(exercise: str, *, namespace: Mapping[str, Any] | None = None) -> CheckReport:
    """Check an exercise on the functions of the notebook, as the last expression of its cell.

    Parameters
    ----------
    exercise
        Id such as ``"0.1"``.
    namespace
        The functions; the notebook's own without it.
    """
    lab = catalog.lab_of_exercise(exercise)
    space = _user_namespace() if namespace is None else namespace
    outcome, note = _visible(lab, lab.exercises[exercise], space)
    return CheckReport(lab.exercises[exercise], outcome, note)


def best(
    exercise: str, function: Callable[..., Any], *, namespace: Mapping[str, Any] | None = None
) -> Callable[..., Any]:
    """Return the student's function if its visible check passes, else the given one, and say which.

    Parameters
    ----------
    exercise
        Id such as ``"0.1"``.
    function
        What the student has under the function's name, whatever it is; the given one is that of
        the same name in the lab's ``given.py``.
    namespace
        Where other functions of the exercise are; the notebook's own without it.
    """
    lab = catalog.lab_of_exercise(exercise)
    space = dict(_user_namespace() if namespace is None else namespace)
    name = _name_of(function, lab.exercises[exercise], space)
    space[name] = function
    outcome, _ = _visible(lab, lab.exercises[exercise], space)
    if outcome.status == "passed":
        _say(f"Exercise {exercise}: from here on, your {name} is used.")
        return function
    state = "still open" if outcome.status == "not attempted" else "not right yet"
    _say(f"Exercise {exercise} is {state}: from here on, the given {name} is used.")
    return _given(lab, name)


def _name_of(function: Any, exercise: catalog.Exercise, namespace: Mapping[str, Any]) -> str:
    """Return which function of an exercise is meant; a lambda or a 5 does not say so itself."""
    own_name = getattr(function, "__name__", None)
    if own_name in exercise.functions:
        return str(own_name)
    held = (name for name in exercise.functions if namespace.get(name) is function)
    return next(held, exercise.functions[0])


def _given(lab: catalog.Lab, name: str) -> Callable[..., Any]:
    given = importlib.import_module(lab.module_name("given"))
    if not callable(function := getattr(given, name, None)):
        raise LabFormatError(f"{lab.package}.given has no function {name}; best() needs it")
    return function  # type: ignore[no-any-return]  # any callable of the lab's


def _visible(
    lab: catalog.Lab, exercise: catalog.Exercise, namespace: Mapping[str, Any]
) -> tuple[Outcome, str]:
    """Run the visible cases, with everything that student code prints kept off the notebook."""
    given = [name for name in exercise.functions if _is_given(lab, namespace.get(name))]
    if given:
        note = f"{given[0]} is the given function now; run your own cell again to check yours."
        return Outcome(exercise.id, "not attempted", 0.0, ()), note
    cases = load_checks(lab.module_name("checks")).get(exercise.id, ())
    sink = io.StringIO()
    with (
        contextlib.redirect_stdout(sink),
        contextlib.redirect_stderr(sink),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # a warning costs no points
        return run_cases(cases, namespace, withhold=exercise.withhold), ""


def _is_given(lab: catalog.Lab, function: Any) -> bool:
    given = lab.module_name("given")
    return inspect.isfunction(function) and f"{function.__module__}.".startswith(f"{given}.")


def _user_namespace() -> Mapping[str, Any]:
    from IPython import get_ipython  # noqa: PLC0415 - checks also run where there is no IPython

    shell = get_ipython()
    if shell is None:
        raise LabFormatError("there is no notebook here; pass namespace=...")
    return shell.user_ns  # type: ignore[no-any-return]  # a dict


def _say(text: str) -> None:
    from IPython import get_ipython  # noqa: PLC0415 - as above
    from IPython.display import display  # noqa: PLC0415 - as above

    if get_ipython() is not None:
        bundle = {"text/plain": text, "text/html": f"<p>{html.escape(text)}</p>"}
        display(bundle, raw=True)  # type: ignore[no-untyped-call]  # IPython has no types


class Prediction:
    """A guess beside what came out; `show_prediction` makes it."""

    def __init__(self, name: str, guess: float | None, result: Result) -> None:
        self.name = name
        self.guess = guess
        self.result = result

    def __repr__(self) -> str:
        outcome = f"{self.name}: {self.result.describe(self.name)}"
        if self.guess is None:
            return f"{outcome}. You made no guess; next time, guess before you look."
        guess = f"you guessed {units.format_number(self.guess)}"
        if self.result.low <= self.guess <= self.result.high:
            return f"{outcome}; {guess}, inside the interval."
        if self.guess > 0 and self.result.value > 0:
            factor = max(self.guess / self.result.value, self.result.value / self.guess)
            return f"{outcome}; {guess}, off by a factor of {units.format_number(factor)}."
        return f"{outcome}; {guess}."


def show_prediction(name: str, result: Result, *, guess: float | None) -> Prediction:
    """Put a guess beside the result, as the last expression of a cell; it is worth no points.

    Parameters
    ----------
    name
        Name of the result with its unit suffix.
    result
        What was measured or counted.
    guess
        The student's guess in that unit, or None.

    Examples
    --------
    >>> from course_utils.records import counted
    >>> show_prediction("macs", counted(20_000), guess=10_000)
    macs: 20,000 MAC; you guessed 10,000, off by a factor of 2.
    """
    return Prediction(name, guess, result)
