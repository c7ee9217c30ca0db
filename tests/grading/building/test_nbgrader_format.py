"""Metadata and checksums of cells, against figures that nbgrader itself gave (test_nbgrader.py)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.building.nbgrader_format import cell_metadata, checksum, grade_id
from labs.engine.catalog import Exercise

EXERCISE = Exercise("1.12", "A title", 4, "code", "core", 3, ("f",))

# nbgrader 0.9.6, `nbgrader.utils.compute_checksum` on a cell with this source and metadata.
GOLDEN = [
    (
        "x = 1\n# ä",
        "code",
        {"grade": False, "solution": True, "locked": False},
        "20f393885b649655485fb6dbaa363611",
    ),
    (
        "x = 1\n# ä",
        "code",
        {"grade": False, "solution": True, "locked": True},
        "20f393885b649655485fb6dbaa363611",
    ),
    (
        "show_check('1.2')",
        "code",
        {"grade": True, "solution": False, "locked": False, "points": 4},
        "c8b1173bac9d1b07e015becad0b74563",
    ),
    (
        "show_check('1.2')",
        "code",
        {"grade": True, "solution": False, "locked": True, "points": 0.5},
        "fe2d1118399aea98ff2e7e7f7120e529",
    ),
    (
        "YOUR ANSWER HERE",
        "markdown",
        {"grade": True, "solution": True, "locked": False, "points": 2},
        "638700fb66a7fa37c581d34742f82bbb",
    ),
    (
        "Read me.",
        "markdown",
        {"grade": False, "solution": False, "locked": True},
        "de3427306724737660ae22ae49a591c1",
    ),
]


@pytest.mark.parametrize(("source", "cell_type", "nbgrader", "expected"), GOLDEN)
def test_checksums_are_those_of_nbgrader(source, cell_type, nbgrader, expected):
    assert checksum(source, cell_type, nbgrader={**nbgrader, "grade_id": "answer-1-2"}) == expected


@pytest.mark.parametrize(
    ("role", "grade", "solution", "locked", "cell_type"),
    [
        ("solution", False, True, False, "code"),
        ("check", True, False, True, "code"),
        ("text", True, True, False, "markdown"),
    ],
)
def test_metadata_of_each_role(role, grade, solution, locked, cell_type):
    metadata = cell_metadata(role, EXERCISE, source="some text")
    nbgrader = metadata["nbgrader"]
    assert metadata["course"] == {"exercise": "1.12", "role": role}
    assert (nbgrader["grade"], nbgrader["solution"], nbgrader["locked"]) == (
        grade,
        solution,
        locked,
    )
    assert nbgrader["cell_type"] == cell_type
    assert nbgrader.get("points") == (4 if grade else None)
    # The schema of version 3 allows these keys and no other.
    allowed = {"schema_version", "grade", "locked", "solution", "task"}
    assert set(nbgrader) <= allowed | {"grade_id", "points", "checksum", "cell_type"}
    assert nbgrader["schema_version"] == 3
    assert nbgrader["task"] is False
    assert re.fullmatch(r"[a-zA-Z0-9_\-]+", nbgrader["grade_id"])
    assert re.fullmatch(r"[0-9a-f]{32}", nbgrader["checksum"])


def test_grade_ids_do_not_clash():
    roles = ("solution", "check")
    ids = {grade_id(role, x) for role in roles for x in ("1.1", "1.11", "11.1")}
    assert len(ids) == 6


@given(st.text(), st.text())
def test_another_text_is_another_checksum(one, other):
    nbgrader = {"grade": False, "solution": True, "locked": False, "grade_id": "a"}
    same = checksum(one, "code", nbgrader=nbgrader) == checksum(other, "code", nbgrader=nbgrader)
    assert same == (one == other)
