"""`course new`: what it refuses, how it renames, and that it leaves everything else as it was."""

import hashlib
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.building import scaffold
from grading.course import Course
from labs.engine.catalog import read_lab
from labs.engine.errors import UsageError

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def course(toy):
    """The toy course, with its lab under the name of the template."""
    toy.folder.rename(toy.folder.with_name("quickstart"))
    toy.answers.rename(toy.answers.with_name("quickstart"))
    toy.edit(toy.root / "course.toml", "labs.toy", "labs.quickstart")
    (toy.root / "labs" / "shared").mkdir()
    (toy.root / "labs" / "tool.py").write_text("")
    cache = toy.root / "labs" / "quickstart" / "__pycache__"
    cache.mkdir()
    (cache / "checks.pyc").write_bytes(b"")
    (toy.root / "labs" / "quickstart" / "quickstart.ipynb").write_text("{}")
    (toy.root / "labs" / "quickstart" / "README.md").write_text("# quickstart\n| 9.1 | 9.1 s |\n")
    return toy.course


def _tree(root):
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_a_copy_has_its_own_name_number_title_and_ids(course):
    before = _tree(course.root)
    new = scaffold.plan(course, "pruning", title="Pruning a network")
    lab = scaffold.create(new)
    after = _tree(course.root)
    assert {name: after[name] for name in before} == before
    assert (lab.name, lab.number, lab.title) == ("pruning", 0, "Pruning a network")
    assert list(lab.exercises) == ["0.1", "0.2"]
    source = (new.answers / "source.py").read_text()
    assert "# # Pruning a network\n" in source
    assert 'show_check("0.1")' in source
    assert "9." not in source
    assert (new.answers / "variants" / "0.1" / "correct_min.py").exists()
    assert '["0.1"]' in (new.answers / "variants" / "equivalent.toml").read_text()
    assert (new.folder / "README.md").read_text() == "# pruning\n| 0.1 | 9.1 s |\n"
    created = set(after) - set(before)
    assert not [name for name in created if "__pycache__" in name or name.endswith(".ipynb")]


def test_the_new_lab_is_appended_to_the_course(course):
    new = scaffold.plan(course, "pruning")
    scaffold.create(new)
    text = (course.root / "course.toml").read_text()
    assert scaffold.register(new).read_text().startswith(text.rstrip())
    table = tomllib.loads((course.root / "course.toml").read_text())
    assert table["labs"] == {"quickstart": {"weight": 1.0}, "pruning": {"weight": 0.0}}


def test_the_number_is_the_next_free_one(course):
    scaffold.create(scaffold.plan(course, "first"))
    assert scaffold.plan(course, "second").number == 1
    assert scaffold.plan(course, "second", number=7).number == 7
    for taken in (0, -1):
        with pytest.raises(UsageError, match=f"number {taken}"):
            scaffold.plan(course, "second", number=taken)


@pytest.mark.parametrize(
    "name",
    ["Pruning", "2nd", "a-b", "class", "", "../x", "a b", "ä", "_private", "labs.x", "/x", "a/b/c"],
)
def test_what_is_no_name_is_refused(course, name):
    with pytest.raises(UsageError, match="cannot be the name of a lab"):
        scaffold.plan(course, name)


@pytest.mark.parametrize("name", ["quickstart", "shared", "tool"])
def test_a_name_that_is_taken_is_refused(course, name):
    with pytest.raises(UsageError, match=f"labs/{name} exists; give the new lab another name"):
        scaffold.plan(course, name)


@pytest.mark.parametrize("title", ["", "  ", 'a "b"', "a\nb", "a\\b"])
def test_titles_that_would_break_a_file_are_refused(course, title):
    with pytest.raises(UsageError, match="give one line without quotes and backslashes"):
        scaffold.plan(course, "pruning", title=title)


def test_a_group_holds_labs_of_a_kind(course):
    new = scaffold.plan(course, "seminar/carbon")
    lab = scaffold.create(new)
    assert lab.folder == course.root / "labs" / "seminar" / "carbon"
    assert lab.name == "carbon"
    assert lab.package.endswith("seminar.carbon")
    assert new.answers == course.answers / "carbon"
    with pytest.raises(UsageError, match="labs/quickstart is a lab; give another folder"):
        scaffold.plan(course, "quickstart/carbon_too")


def test_a_failure_leaves_nothing_behind(course, monkeypatch):
    before = _tree(course.root)
    monkeypatch.setattr(scaffold, "_renumber", lambda *_: (_ for _ in ()).throw(OSError("full")))
    for name in ("pruning", "seminar/carbon"):
        with pytest.raises(OSError, match="full"):
            scaffold.create(scaffold.plan(course, name))
    assert _tree(course.root) == before


def _plan():
    template = read_lab(REPOSITORY / "labs" / "quickstart")
    return scaffold.Plan(Course(REPOSITORY, "", REPOSITORY, {}), template, "new", "New", 7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Exercise 0.1\n", "# Exercise 7.1\n"),
        ("exercises 0.1, 0.2 and 0.3.", "exercises 7.1, 7.2 and 7.3."),
        ("Exercises 0.1 to 0.3", "Exercises 7.1 to 7.3"),
        ("best('0.2', f)", "best('7.2', f)"),
        ('[exercises."0.3"]', '[exercises."7.3"]'),
        ("rate = 0.1  # 0.2 of 0.3", "rate = 0.1  # 0.2 of 0.3"),
        ("Exercise 0.11", "Exercise 0.11"),
        ("labs.quickstart.given", "labs.new.given"),
        ("quickstarts, my_quickstart", "quickstarts, my_quickstart"),
    ],
)
def test_ids_change_and_numbers_stay(text, expected):
    assert _plan().renamed(text) == expected


def test_what_names_the_place_of_the_template_names_that_of_the_new_lab():
    new = replace(_plan(), group="seminar")
    text = "from labs.quickstart.given import x  # labs/quickstart, quickstart.ipynb"
    assert new.renamed(text) == (
        "from labs.seminar.new.given import x  # labs/seminar/new, new.ipynb"
    )


@given(st.text(alphabet="0123456789. ,+-*/=[]()x\n"))
def test_numbers_alone_never_change(text):
    assert _plan().renamed(text) == text


def test_a_missing_formatter_is_told(course, monkeypatch, caplog):
    monkeypatch.setattr(scaffold, "find_spec", lambda _: None)
    new = scaffold.plan(course, "pruning")
    scaffold.create(new)
    assert "ruff is not installed" in caplog.text or not caplog.records
    shutil.rmtree(new.folder)
