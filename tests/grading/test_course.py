"""Reading course.toml, and finding it from wherever a command is typed."""

import os
from pathlib import Path

import pytest

from grading import course as course_module
from grading.course import find_root, read_course
from grading.errors import CourseFileError
from labs.engine.errors import LabFormatError, UsageError

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_toy_course(toy):
    course = read_course(toy.root)
    lab = course.lab("toy")
    assert [x.name for x in course.labs] == ["toy"]
    assert course.weights == {"toy": 1.0}
    assert course.source(lab) == toy.source
    assert course.reference(lab) == toy.reference
    assert course.shown(toy.source) == "grading/answers/toy/source.py"


def test_the_course_of_this_repository_names_labs_that_exist():
    course = read_course(REPOSITORY)
    assert set(course.weights) <= {lab.name for lab in course.labs}


def test_the_exercises_that_count(toy):
    assert [each.id for each in toy.course.exercises(toy.course.lab("toy"))] == ["9.1", "9.2"]
    toy.edit(toy.root / "course.toml", "weight = 1.0", 'weight = 1.0\nexercises = ["9.2"]')
    course = toy.course
    lab = course.lab("toy")
    assert [each.id for each in course.exercises(lab)] == ["9.2"]
    assert course.max_points(lab) == 2


def test_a_lab_without_a_table_counts_whole_and_is_never_late(toy):
    toy.edit(toy.root / "course.toml", "[labs.toy]\nweight = 1.0", "[parts]\nproject = 3")
    course = toy.course
    lab = course.lab("toy")
    assert course.max_points(lab) == 6
    assert course.deadline(lab) is None
    assert course.release(lab) == "1"
    assert course.all_weights == {"project": 3.0}


def test_the_secret_is_made_once_and_stays(toy):
    course = toy.course
    secret = course.read_or_create_secret()
    path = toy.root / ".course" / "secret"
    assert course.read_or_create_secret() == secret
    assert len(secret) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.chmod(0o644)
    with pytest.raises(LabFormatError, match="chmod 600"):
        course.read_or_create_secret()


def test_the_secret_may_lie_elsewhere(toy):
    text = (toy.root / "course.toml").read_text()
    (toy.root / "course.toml").write_text(f"secret = '../keys/secret'\n{text}")
    toy.course.read_or_create_secret()
    assert (toy.root.parent / "keys" / "secret").is_file()
    assert not (toy.root / ".course").exists()


def test_private_answers_may_lie_elsewhere(toy):
    elsewhere = toy.root.parent / "private"
    (toy.root / "grading" / "answers").rename(elsewhere)
    text = (toy.root / "course.toml").read_text()
    for answers in ("../private", elsewhere.as_posix()):
        (toy.root / "course.toml").write_text(f'answers = "{answers}"\n{text}')
        course = toy.course
        assert course.source(course.lab("toy")) == elsewhere / "toy" / "source.py"
        assert course.shown(elsewhere) == str(elsewhere)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "A course for tests"', "titel = 1", "unknown key titel; did you mean 'title'"),
        ('title = "A course for tests"', "", "title = None; allowed: a text"),
        ('title = "A course for tests"', "title = ", "is no TOML"),
        ("weight = 1.0", "wieght = 1.0", "unknown key labs.toy.wieght; did you mean 'weight'"),
        ("weight = 1.0", "", "labs.toy.weight = None; allowed: a number >= 0"),
        ("weight = 1.0", "weight = -1", "labs.toy.weight = -1"),
        ("weight = 1.0", "weight = true", "labs.toy.weight = True"),
        ("weight = 1.0", "weight = nan", "labs.toy.weight = nan"),
        ("[labs.toy]", "[labs.toi]", "line 3: [labs.toi] is no lab; did you mean 'toy'? (toy)"),
        ("[labs.toy]\nweight = 1.0", "[labs]\ntoy = 3", "labs.toy = 3; allowed: a table"),
        ("[labs.toy]\nweight = 1.0", "labs = 3", "labs = 3; allowed: one table"),
        ("[labs.toy]", "answers = ''\n[labs.toy]", "answers = ''; allowed: the path of a folder"),
        (
            "= 1.0",
            '= 1.0\nexercises = ["9.3"]',
            "line 5: labs.toy.exercises: toy has no exercise '9.3'",
        ),
    ],
)
def test_what_a_course_file_may_not_say(toy, old, new, message):
    toy.edit(toy.root / "course.toml", old, new)
    with pytest.raises(CourseFileError) as caught:
        read_course(toy.root)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_course_file(tmp_path):
    with pytest.raises(CourseFileError, match="is missing; the root of a course holds one"):
        read_course(tmp_path)


def test_the_root_is_found_upwards_else_beside_the_package(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(toy.answers / "variants")
    assert find_root() == toy.root
    assert find_root(tmp_path) == REPOSITORY
    monkeypatch.setattr(course_module, "__file__", os.fspath(tmp_path / "a" / "b" / "c.py"))
    with pytest.raises(UsageError, match=r"no course\.toml in .* or above it"):
        find_root(tmp_path)
