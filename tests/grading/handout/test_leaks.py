"""Answers are found wherever they would lie in a handout, and nothing else is taken for one."""

import json
from pathlib import Path

import pytest

from grading.building.source import read_source
from grading.course import read_course
from grading.handout.leaks import find_leaks, read_answers

REPOSITORY = Path(__file__).resolve().parents[3]
SOLUTION = """\
def clipped_sum(values, limit):
    found = 0
    for value in values:
        if value > limit:
            found += limit * 1.0  # the limit itself
            continue
        found += value
    return found
"""


@pytest.fixture
def answers(toy):
    toy.edit(
        toy.answers / "variants" / "9.1" / "correct_min.py", "def", "# first\n" + SOLUTION + "\ndef"
    )
    rubric = '[exercises."9.2"]\nfull = "Says what clipping loses of the data."\n'
    (toy.answers / "rubric.toml").write_text(rubric)
    return read_answers(toy.course)


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("x.md", "    found += limit * 1.0  # the limit itself", "variants/9.1/correct_min.py"),
        ("x.md", "One outlier would decide the sum. Its true size gets lost.", "source.py"),
        ("x.toml", "Says what clipping loses of the data.", "rubric.toml"),
        ("x.csv", "assert_equal(student.clipped_sum([], 3), 0, what='x')", ""),
        (
            "x.csv",
            'assert_equal(student.clipped_sum([], 3), 0, what="the sum of nothing")',
            "hidden",
        ),
        ("x.py", SOLUTION, "variants/9.1/correct_min.py"),
        ("x.py", SOLUTION.replace("    ", "\t"), "variants/9.1/correct_min.py"),
        ("x.py", "found += limit * 1.0  # the limit itself", ""),
        ("x.md", "Values above the limit count", ""),
    ],
)
def test_where_an_answer_is_found(answers, name, text, where):
    found = find_leaks(answers, {name: f"\n{text}\n".encode(), "y.png": b"\xff\xfe"})
    assert bool(found) == bool(where), found
    assert all(line.startswith(f"{name} holds ") and where in line for line in found)


def test_notebooks_are_looked_through_cells_and_outputs(answers):
    line = 'assert_equal(student.clipped_sum([], 3), 0, what="the sum of nothing")'
    assert json.dumps(line) != f'"{line}"'  # as raw bytes it would not be found
    for cell in ({"source": f"a\n{line}\n"}, {"outputs": [{"text": [f"{line}\n"]}]}):
        content = json.dumps({"cells": [cell]}).encode()
        assert find_leaks(answers, {"x.ipynb": content})
    assert find_leaks(answers, {"x.ipynb": line.encode()})  # broken JSON is text


def test_what_students_are_shown_is_no_answer(toy, answers):
    toy.executed()
    assert find_leaks(answers, {"toy.ipynb": toy.student.read_bytes()}) == []
    assert find_leaks(answers, {"reference.ipynb": toy.reference.read_bytes()})


def test_every_lab_has_answers_that_would_be_found():
    """Guards the search: a format that it no longer reads would make it find nothing."""
    course = read_course(REPOSITORY)
    answers = read_answers(course)
    places = set(answers.lines.values()) | set(answers.runs.values())
    for lab in course.labs:
        paths = [course.source(lab), course.answers / lab.name / "rubric.toml", *course.hidden(lab)]
        assert {course.shown(path) for path in paths} <= places
        cell = read_source(course.source(lab)).path.read_bytes()
        assert find_leaks(answers, {"x.md": cell})
        assert find_leaks(answers, {"x.ipynb": course.reference(lab).read_bytes()})
        for path in course.hidden(lab):
            assert find_leaks(answers, {"x.py": path.read_bytes()}), path
