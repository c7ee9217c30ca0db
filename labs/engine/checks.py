"""Checks of exercises: how they are written, run and shown.

A check is one function of the student's functions and a random generator::

    @check("0.1", sentence="The bias counts as one parameter per output channel.")
    def counts_the_bias(student, rng):
        got = student.conv_cost(3, 8, 3, 10, 10)
        assert got[0] == 224, f"3*8*9 weights and 8 biases are 224 parameters, you have {got[0]}"

It lies in ``labs/<lab>/checks.py`` (visible) or in the instructor's ``hidden.py``, or in a module
of a package of that name; several for one exercise are its cases. In a notebook
`labs.engine.notebook` runs the visible ones on the user's functions; when grading, the same
functions run in the grader's process. The verdict is always computed here, on the check's side of
`labs.engine.student`, from plain data. This module gives no grade and shows nothing.
"""

import contextlib
import hashlib
import importlib
import importlib.machinery
import itertools
import linecache
import pkgutil
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from labs.engine import evidence, seeds
from labs.engine.errors import ExchangeError, LabFormatError
from labs.engine.student import (
    ApartError,
    Call,
    NotAttemptedError,
    Student,
    StudentError,
    calls_of,
    local_student,
)

CheckFunction = Callable[[Student, np.random.Generator], None]
Seed = Callable[[str, str], int]
Status = Literal["passed", "partly", "failed", "not attempted"]


@dataclass(frozen=True)
class Case:
    """One check of one exercise.

    Parameters
    ----------
    exercise, name
        Id of the exercise; name of the check function.
    sentence
        The sentence of the exercise that is tested here.
    weight
        Its part of the exercise, relative to the other cases; > 0.
    function
        The check itself.
    """

    exercise: str
    name: str
    sentence: str
    weight: float
    function: CheckFunction


@dataclass(frozen=True)
class CaseResult:
    """What came of one case; `message` says what is wrong, or nothing."""

    name: str
    sentence: str
    passed: bool
    message: str = ""
    calls: tuple[Call, ...] = ()
    shown: tuple[evidence.Evidence, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of an exercise: `share` is the weight of the passed cases over all, in [0, 1]."""

    exercise: str
    status: Status
    share: float
    cases: tuple[CaseResult, ...]


def check(
    exercise: str, *, sentence: str, weight: float = 1.0
) -> Callable[[CheckFunction], CheckFunction]:
    """Mark a function as a check of an exercise.

    Parameters
    ----------
    exercise
        Id such as ``"1.3"``.
    sentence
        The sentence of the exercise that it tests, word for word in a hidden check.
    weight
        Its part of the exercise, relative to the exercise's other checks; > 0.

    Raises
    ------
    LabFormatError
        If the sentence is empty or the weight is not positive.
    """
    if not sentence.strip() or not weight > 0:
        raise LabFormatError(f"a check of {exercise} needs a sentence and a weight > 0")

    def mark(function: CheckFunction) -> CheckFunction:
        case = Case(exercise, function.__name__, sentence, weight, function)
        function.__course_case__ = case  # type: ignore[attr-defined]  # read by load_checks
        return function

    return mark


def load_checks(source: str | Path | types.ModuleType) -> dict[str, tuple[Case, ...]]:
    """Return the checks of a module by exercise, in the order in which they are written.

    Parameters
    ----------
    source
        A module, its import name, or the path of a file. Of a package the modules in it count too.

    Raises
    ------
    LabFormatError
        If the module cannot be loaded; the message says why.
    """
    module = _load(source) if not isinstance(source, types.ModuleType) else source
    inner = pkgutil.iter_modules(getattr(module, "__path__", ()), module.__name__ + ".")
    modules = [module, *(_load(each.name) for each in inner)]
    found: dict[str, list[Case]] = {}
    for value in itertools.chain.from_iterable(vars(each).values() for each in modules):
        if isinstance(case := getattr(value, "__course_case__", None), Case):
            cases = found.setdefault(case.exercise, [])
            cases += [case] if case not in cases else []
    return {exercise: tuple(cases) for exercise, cases in found.items()}


def _load(source: str | Path) -> types.ModuleType:
    try:
        if isinstance(source, str):
            return importlib.import_module(source)
        # The path goes into the name: two labs may both have a hidden.py.
        name = "course_checks_" + hashlib.sha256(str(source.resolve()).encode()).hexdigest()[:16]
        loader = importlib.machinery.SourceFileLoader(name, str(source))
        module = types.ModuleType(name)
        module.__file__ = str(source)
        sys.modules[name] = module  # dataclasses look their module up here
        loader.exec_module(module)
    except Exception as err:
        raise LabFormatError(f"the checks in {source} do not load: {err}") from err
    return module


def run_cases(
    cases: Sequence[Case],
    namespace: Mapping[str, Any],
    *,
    seed: Seed = seeds.open_seed,
    withhold: Iterable[str] = (),
) -> Outcome:
    """Run the cases of one exercise on the functions of a namespace of this process.

    Parameters
    ----------
    cases
        Cases of one exercise, at least one.
    namespace
        Where the student's functions are looked up by name.
    seed
        Gives the seed of a case from exercise and name.
    withhold
        Dotted names that do not exist while student code runs.
    """
    names = tuple(withhold)
    return judge(cases, lambda: local_student(namespace, withhold=names), seed=seed)


def judge(
    cases: Sequence[Case],
    student: Callable[[], Student],
    *,
    seed: Seed = seeds.open_seed,
    is_shown: bool = True,
) -> Outcome:
    """Run the cases of one exercise, each on a student with a fresh state.

    Parameters
    ----------
    cases
        Cases of one exercise, at least one.
    student
        Makes the student for a case: in this process or behind walls.
    seed
        Gives the seed of a case from exercise and name.
    is_shown
        Whether tables and pictures are kept; a grader that shows none draws none.

    Raises
    ------
    LabFormatError
        If there is no case: an exercise without a check would pass whatever is in it.
    """
    if not cases:
        raise LabFormatError("an exercise without any check cannot be judged")
    results = []
    for case in cases:
        try:
            rng = np.random.default_rng(seed(case.exercise, case.name))
            results.append(_run_case(case, student(), rng=rng, is_shown=is_shown))
        except NotAttemptedError:
            return Outcome(case.exercise, "not attempted", 0.0, ())
    passed = sum(c.weight for c, r in zip(cases, results, strict=True) if r.passed)
    share = passed / sum(case.weight for case in cases)
    every = all(result.passed for result in results)
    status: Status = "passed" if every else "partly" if share > 0 else "failed"
    return Outcome(cases[0].exercise, status, 1.0 if every else share, tuple(results))


def _run_case(
    case: Case, student: Student, *, rng: np.random.Generator, is_shown: bool
) -> CaseResult:
    message = ""
    with contextlib.ExitStack() as collecting:
        shown = collecting.enter_context(evidence.collecting()) if is_shown else []
        try:
            case.function(student, rng)
        except NotAttemptedError:
            raise
        except AssertionError as err:
            message = str(err) or f"does not hold: {_failed_line(err)}"
        except (StudentError, ExchangeError, ApartError) as err:
            message = str(err)
        except Exception as err:  # a check that stumbles over the form of an answer
            message = f"the answer does not have the form asked for ({type(err).__name__}: {err})"
    calls = calls_of(student)
    return CaseResult(case.name, case.sentence, not message, message, calls, tuple(shown))


def _failed_line(err: BaseException) -> str:
    trace = err.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an assertion"
    line = linecache.getline(trace.tb_frame.f_code.co_filename, trace.tb_lineno)
    return line.strip().removeprefix("assert ")


@contextlib.contextmanager
def raises(name: str) -> Iterator[None]:
    """Assert that the student's function raises an error of this name inside the block.

    Parameters
    ----------
    name
        Name of the exception's class, such as ``"ValueError"``.

    Examples
    --------
    >>> student = local_student({"root": lambda x: x**0.5 if x >= 0 else [][1]})
    >>> with raises("IndexError"):
    ...     student.root(-1)
    """
    try:
        yield
    except NotAttemptedError:
        raise
    except StudentError as err:
        if err.name != name:
            raise AssertionError(f"should raise {name}, but {err}") from err
    else:
        raise AssertionError(f"should raise {name}, and raised nothing")


def assert_equal(got: Any, want: Any, *, what: str, relative: float = 0.0) -> None:
    """Assert that an answer has the expected form and value.

    Parameters
    ----------
    got
        Plain data from student code. Lists, tuples and arrays may stand for each other; a whole
        float may stand for an int.
    want
        The expected data, in the same sense.
    what
        What is compared, for the message: "the parameters of a 3x3 convolution".
    relative
        Largest allowed difference of a number, relative to the largest expected one.

    Examples
    --------
    >>> assert_equal([1, 2.0], (1, 2), what="two numbers")
    >>> assert_equal(3, 4, what="the stride")
    Traceback (most recent call last):
    ...
    AssertionError: the stride: expected 4, you have 3
    """
    if not _equal(got, want, relative):
        raise AssertionError(
            f"{what}: expected {evidence.brief(want)}, you have {evidence.brief(got)}"
        )


def _equal(got: Any, want: Any, relative: float) -> bool:
    try:
        got, want = np.asarray(got), np.asarray(want)
    except ValueError:  # ragged lists
        return False
    if got.shape != want.shape:
        return False
    if want.dtype.kind not in "biufc":
        return bool(got.tolist() == want.tolist())
    if got.dtype.kind not in "biufc":
        return False
    scale = float(np.abs(want).max(initial=0.0))
    difference = np.abs(got.astype(complex) - want.astype(complex))
    return bool((difference <= relative * scale).all())  # false for NaN
