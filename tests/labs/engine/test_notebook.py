"""What a notebook says about its exercises, on a toy lab."""

import contextlib
import functools
import importlib
import sys
import warnings

import pytest

from course_utils.records import Result, counted
from labs.engine import catalog, notebook
from labs.engine.errors import LabFormatError

LAB = """
number = 97
title = "Toy"
summary = "A toy."
minutes = 1
hardware = "Any."
[presets.smoke]
[exercises."97.1"]
title = "Doubling <b>"
points = 3
kind = "code"
tier = "core"
student_minutes = 1
functions = ["double"]
hidden_kinds = ["negative numbers"]
"""
CHECKS = """
from labs.engine.checks import assert_equal, check

@check("97.1", sentence="It doubles <numbers>.", weight=2)
def doubles(student, rng):
    assert_equal(student.double(2), 4, what="twice 2")

@check("97.1", sentence="It doubles texts.")
def doubles_texts(student, rng):
    assert_equal(student.double("<i>"), "<i><i>", what="twice a text")
"""
GIVEN = "def double(x):\n    return x + x\n"


@pytest.fixture
def toy(tmp_path, monkeypatch):
    folder = tmp_path / "toylab97"
    folder.mkdir()
    for name, text in (
        ("__init__.py", ""),
        ("lab.toml", LAB),
        ("checks.py", CHECKS),
        ("given.py", GIVEN),
    ):
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    lab = catalog.read_lab(folder)
    monkeypatch.setattr(catalog, "lab_of_exercise", lambda _: lab)
    said = []
    monkeypatch.setattr(notebook, "_say", said.append)
    yield said
    for name in [name for name in sys.modules if name.startswith("toylab97")]:
        del sys.modules[name]


def show(function):
    return notebook.show_check("97.1", namespace={"double": function} if function else {})


@pytest.mark.parametrize(
    ("function", "points"),
    [
        (None, "0"),
        (lambda x: 2 * x, "3"),
        (lambda x: 4, "2"),
        (lambda x: "<i><i>", "1"),
        (lambda x: 0, "0"),
    ],
    ids=["missing", "right", "numbers only", "texts only", "wrong"],
)
def test_text_plain_is_the_points_as_nbgrader_reads_them(toy, function, points):
    report = show(function)
    assert repr(report) == points
    assert float(repr(report)) == report.points


def test_html_escapes_and_lists_hidden_kinds_and_never_says_all_passed(toy):
    html = show(lambda x: 2 * x)._repr_html_()
    assert "&lt;numbers&gt;" in html
    assert "<i>" not in html
    assert "Doubling &lt;b&gt;" in html
    assert "negative numbers" in html
    assert "all" not in html.lower().split()


def test_not_attempted_is_said(toy):
    def stub(x):
        raise NotImplementedError

    assert "not attempted yet" in show(stub)._repr_html_()


def test_warnings_and_prints_of_student_code_stay_off_the_notebook(toy, capsys):
    def noisy(x):
        print("to stdout")
        print("to stderr", file=sys.stderr)
        warnings.warn("careful", stacklevel=1)
        return 2 * x

    with contextlib.redirect_stderr(sys.stderr):
        assert repr(show(noisy)) == "3"
    assert capsys.readouterr() == ("", "")


def test_best_takes_the_students_function_only_if_its_check_passes(toy):
    def double(x):
        return 2 * x

    assert notebook.best("97.1", double, namespace={}) is double
    assert "your double" in toy[-1]

    def wrong(x):
        return 0

    wrong.__name__ = "double"
    chosen = notebook.best("97.1", wrong, namespace={})
    assert chosen("ab") == "abab"
    assert chosen.__module__ == "toylab97.given"
    assert "the given double" in toy[-1]


def test_the_given_function_earns_nothing_when_cells_are_run_again(toy):
    def stub(x):
        raise NotImplementedError

    stub.__name__ = "double"
    chosen = notebook.best("97.1", stub, namespace={})
    report = show(chosen)
    assert repr(report) == "0"
    assert "run your own cell again" in report._repr_html_()
    assert notebook.best("97.1", chosen, namespace={}) is chosen


def test_a_given_function_may_come_from_a_module_of_a_package(toy, monkeypatch):
    given = importlib.import_module("toylab97.given")
    monkeypatch.setattr(given.double, "__module__", "toylab97.given.doubling")
    report = show(given.double)
    assert repr(report) == "0"
    assert "run your own cell again" in report._repr_html_()


def test_a_missing_given_function_is_the_authors_error(toy, monkeypatch):
    def double(x):
        raise NotImplementedError

    monkeypatch.delattr(importlib.import_module("toylab97.given"), "double")
    with pytest.raises(LabFormatError, match="no function double"):
        notebook.best("97.1", double, namespace={})


def another(x):
    return 0


@pytest.mark.parametrize(
    "written",
    [lambda x: 0, functools.partial(another), another, 5, None],
    ids=["lambda", "partial", "another", "number", "nothing"],
)
def test_best_takes_whatever_a_student_has_under_the_name(toy, written):
    chosen = notebook.best("97.1", written, namespace={"double": written})
    assert chosen("ab") == "abab"
    assert "the given double" in toy[-1]


def test_best_keeps_a_right_lambda_and_calls_it_by_its_name(toy):
    double = lambda x: 2 * x  # noqa: E731 - what a student may write
    assert notebook.best("97.1", double, namespace={"double": double}) is double
    assert "your double" in toy[-1]


def test_without_a_notebook_a_namespace_is_needed(toy):
    with pytest.raises(LabFormatError, match="namespace"):
        notebook.show_check("97.1")


@pytest.mark.parametrize(
    ("guess", "words"),
    [
        (None, "no guess"),
        (2.0, "inside the interval"),
        (20.0, "off by a factor of 10"),
        (0.2, "off by a factor of 10"),
        (-1.0, "you guessed -1."),
    ],
)
def test_predictions_are_set_beside_the_result(guess, words):
    result = Result(2.0, 1.9, 2.2, n=9, kind="measured")
    text = repr(notebook.show_prediction("latency_ms", result, guess=guess))
    assert text.startswith("latency_ms: 2 ms [1.9, 2.2]")
    assert words in text


def test_prediction_of_nothing():
    assert repr(notebook.show_prediction("top1_loss", counted(0.0), guess=0.0)).endswith(
        "interval."
    )
