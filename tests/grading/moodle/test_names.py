"""The names of entries in Moodle's download: every form, and what students cannot make of them."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.moodle.names import EntryName, comparable, comparable_team, feedback_folder, parse


def _load(name: str):
    """Load a helper by its place: the folder of tests has no __init__.py."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
    return module


moodle = _load("moodle_downloads")
drawn = _load("strategies")

SLASHES = {"/": "", "_/": "_", "_": "_"}  # after the plugin -> what of it the folder keeps


@pytest.mark.parametrize("slash", SLASHES)
@pytest.mark.parametrize("plugin", ["file", "onlinetext"])
@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("Ada Lovelace", 4711),
        ("Lovelace, Ada", 1),
        ("alovelace Ada Lovelace", 12),  # a fork puts the username in front
        ("NAILA HAFIDZ BACHTIAR", 10019166),
        ("Group 7-Ada Lovelace", 4711),
        ("Participant", 4711),
        ("Teilnehmerin", 4711),
        ("Team 5", 88),
        ("Default group", None),
        ("Standardgruppe", None),
        ("Müller-Lüdenscheidt (geb. 1999) 3", 5),
        ("名前", 6),
    ],
)
def test_every_form_is_taken_apart(name, number, plugin, slash):
    start = name if number is None else f"{name}_{number}"
    folder = f"{start}_assignsubmission_{plugin}{SLASHES[slash]}"
    path = "lab_1.ipynb" if slash == "_" else "work_2/lab_1.ipynb"
    entry = f"{start}_assignsubmission_{plugin}{slash}{path}"
    assert parse(entry) == EntryName(name, number, plugin, folder, path)


def test_the_folder_itself_has_no_path():
    for end in ("", "/", "_", "_/"):
        found = parse(f"Ada_1_assignsubmission_file{end}")
        assert (found.number, found.path) == (1, "")


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "/",
        "readme.txt",
        "Ada_1_assignment_file/lab.ipynb",
        "_assignsubmission_file/lab.ipynb",
        "a/Ada_1_assignsubmission_file/lab.ipynb",
        "Ada_1_assignsubmission_/lab.ipynb",
    ],
)
def test_other_names_are_not_taken_apart(entry):
    assert parse(entry) is None


@pytest.mark.parametrize("end", ["/", "_/", "_"])
def test_no_name_of_a_file_makes_it_somebody_else_s(end):
    """A student chooses what comes after the plugin; the number that counts comes before."""
    evil = "Bob_2_assignsubmission_file_lab.ipynb"
    found = parse(f"Ada_1_assignsubmission_file{end}{evil}")
    assert (found.name, found.number, found.path) == ("Ada", 1, evil)


@given(drawn.moodle_names(), st.none() | st.integers(0, 10**12), drawn.names(), st.booleans())
def test_what_moodle_writes_is_read_back(name, number, path, is_flat):
    path = path.rpartition("/")[2].replace("\0", "") if is_flat else path
    hand_in = moodle.HandIn(name, number, {path or "x": b""})
    start, _ = moodle.entries(hand_in, is_flat=is_flat)
    found = parse(start + (path or "x"))
    digits = re.search(r"_([0-9]+)_assign", start)
    assert found.number == (int(digits[1]) if digits else None)
    assert (found.name, found.path) == (name, path or "x")


@given(drawn.moodle_names(), st.integers(0, 10**9))
def test_moodle_takes_the_folder_of_the_feedback_apart_as_meant(name, number):
    """The rule of importziplib.php: at most five pieces between _, the second a number."""
    folder = feedback_folder(name, number)
    pieces = folder.split("_", 4)
    assert pieces[1:] == [str(number), "assignsubmission", "file"]
    assert parse(f"{folder}/feedback.html").number == number
    assert not folder.startswith((".", "~", "/"))


def test_attempts_are_counted_by_their_folder_only_where_something_lies_in_it():
    start = "Ada_1_assignsubmission_file/"
    assert parse(start + "attempt_2/lab.ipynb").attempt == (2, "lab.ipynb")
    assert parse(start + "Versuch 03/a/lab.ipynb").attempt == (3, "a/lab.ipynb")
    assert parse(start + "attempt2.ipynb").attempt == (0, "attempt2.ipynb")
    assert parse(start + "attempts/lab.ipynb").attempt == (0, "attempts/lab.ipynb")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada Lovelace", "Lovelace, Ada"),
        ("STRASSE", "straße"),
        ("Zoe\u0301 A_B", "zoé a b"),
    ],
)
def test_names_compare_whatever_their_order_and_marks(one, other):
    assert comparable(one) == comparable(other)
    assert comparable(one) != comparable(other + " x")


def test_a_team_compares_without_what_moodle_drops():
    assert comparable_team("Team 5/Blue: Möwe") == comparable_team("team 5Blue Möwe")
    assert comparable_team("A B") != comparable_team("B A")
    assert comparable_team("!!") != comparable_team("??") != ""


def test_a_long_hostile_name_takes_no_time():
    assert parse("_1_assignsubmission" * 5_000) is None
    assert parse("x_1_assignsubmission_!" * 3_000) is None
