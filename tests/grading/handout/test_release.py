"""The handout: every file of it, no answer in it, and it installs and works."""

import argparse
import dataclasses
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from grading.building import build
from grading.commands import release as release_command
from grading.course import read_course
from grading.errors import ReleaseError
from grading.handout.release import COPIED, DATES, release, released_labs
from grading.rules.course_file import LabPlan

REPOSITORY = Path(__file__).resolve().parents[3]
LABS = [pytest.param(lab.name, id=lab.name) for lab in read_course(REPOSITORY).labs]
MADE = {"README.md", "Makefile", DATES}


@pytest.fixture(scope="module")
def course():
    """The course of this repository with every lab in course.toml."""
    found = read_course(REPOSITORY)
    plans = {lab.name: LabPlan(0.0) for lab in found.labs}
    return dataclasses.replace(found, plans={**plans, **found.plans})


@pytest.fixture(scope="module")
def made(course):
    """The handout of the last lab: the largest one."""
    return release(course, course.lab(list(course.plans)[-1]))


@pytest.fixture(scope="module")
def unpacked(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("handout")
    with zipfile.ZipFile(io.BytesIO(made.content())) as archive:
        archive.extractall(folder)
    return folder / made.name


@pytest.fixture(scope="module")
def site(unpacked, tmp_path_factory):
    """The handout, installed as a student does but without what it needs."""
    folder = tmp_path_factory.mktemp("site")
    command = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    run = subprocess.run(
        [sys.executable, *command, "--target", str(folder), str(unpacked)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def in_tree(*folders):
    """What lies in folders of the repository, caches and hidden files aside."""
    paths = (path for folder in folders for path in (REPOSITORY / folder).rglob("*"))
    names = (path.relative_to(REPOSITORY).as_posix() for path in paths if path.is_file())
    return {name for name in names if not re.search(r"(^|/)(\.|__pycache__)|\.pyc$", name)}


@pytest.mark.parametrize("name", LABS)
def test_every_file_of_a_handout(course, name):
    lab = course.lab(name)
    places = [each.folder.relative_to(REPOSITORY) for each in released_labs(course, lab)]
    folders = [
        "course_utils",
        "datasets",
        "labs/engine",
        "labs/shared",
        "labs/seminar/material",
        *(place.as_posix() for place in places),
    ]
    kinds = {(place.parent / "__init__.py").as_posix() for place in places}
    wanted = in_tree(*folders) | kinds | set(COPIED) | MADE
    assert set(release(course, lab).files) == wanted
    assert f"{places[-1].as_posix()}/{name}.ipynb" in wanted


def test_no_file_of_instructors_is_in_it(made):
    parts = {part for name in made.files for part in Path(name).with_suffix("").parts}
    assert parts.isdisjoint({"grading", "tests", "answers", "hidden", "reference", "variants"})
    assert not [name for name in made.files if Path(name).name == "course.toml"]
    assert not [name for name in made.files if re.search(r"(^|/)\.|secret|extensions\.csv", name)]
    for name, content in made.files.items():
        assert b"### BEGIN SOLUTION" not in content, name
        if name.endswith(".ipynb"):
            assert not [cell for cell in json.loads(content)["cells"] if cell.get("outputs")]


def test_labs_of_course_toml_come_in_its_order(course):
    names = list(course.plans)
    for place, name in enumerate(names):
        labs = released_labs(course, course.lab(name))
        assert [lab.name for lab in labs] == names[: place + 1]


def test_it_is_the_same_bytes_again(course, made):
    assert release(course, made.labs[-1]).content() == made.content()
    with zipfile.ZipFile(io.BytesIO(made.content())) as archive:
        assert {name.partition("/")[0] for name in archive.namelist()} == {made.name}


def test_titles_and_deadlines(course, made):
    dates = tomllib.loads(made.files[DATES].decode())
    assert dates["title"] == course.title
    assert list(dates["labs"]) == [lab.name for lab in made.labs]
    for lab in made.labs:
        entry = dates["labs"][lab.name]
        assert (entry["title"], entry["points"]) == (lab.title, course.max_points(lab))
        assert entry.get("deadline") == course.deadline(lab)


def test_its_readme_and_makefile_name_nothing_that_is_not_there(made):
    readme = made.files["README.md"].decode()
    for lab in made.labs:
        assert f"| `{lab.name}` | {lab.title} | {lab.minutes} min |" in readme
    assert "{" not in readme
    assert not re.search(r"\bcourse (?:build|grade|release|collect)\b|grading|tests/", readme)
    verbs = set(re.findall(r"(?:^ {4,}|`)make ([a-z]+)\b", readme, re.MULTILINE))
    makefile = made.files["Makefile"].decode()
    assert verbs <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert not re.search(
        r"pytest|grading|tests\b|bin/course|\bdemo\b", makefile.replace(".pytest_cache", "")
    )
    for target in re.findall(r"\]\(([^)#\s]+)\)", readme):
        assert "://" in target or target in made.files


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_its_verbs_run(unpacked):
    outside = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    for verb in ("help", "lab", "clean"):
        dry = [] if verb in ("help", "clean") else ["-n"]
        run = subprocess.run(
            ["make", *dry, verb],
            check=False,
            cwd=unpacked,
            env=outside,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (run.returncode, run.stderr) == (0, ""), verb
    assert "install" in recipe(unpacked, outside)


def recipe(folder, environment):
    command = ["make", "-n", "lab"]
    return subprocess.run(
        command, check=True, cwd=folder, env=environment, capture_output=True, text=True
    ).stdout


def run_installed(site, code, cwd):
    """Run Python with the installed handout alone: the repository is not on its path."""
    start = (
        "import sys; from pathlib import Path; "
        "sys.path[:] = [p for p in sys.path if not Path(p, 'grading').is_dir()]; "
        f"sys.path.insert(0, {str(site)!r}); "
    )
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "COURSE_DATA")}
    return subprocess.run(
        [sys.executable, "-I", "-c", start + code],
        check=False,
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_it_installs_and_lists_its_labs(site, made, tmp_path):
    code = "import labs; from labs.engine.cli import main; code = main(['list']); "
    run = run_installed(site, code + "print(labs.__file__); sys.exit(code)", tmp_path)
    assert run.returncode == 0, run.stderr
    assert Path(run.stdout.splitlines()[-1]).is_relative_to(site)
    for lab in made.labs:
        assert f"{lab.name}  {lab.minutes} min" in run.stdout
    assert (site / DATES).is_file()


def test_course_says_in_one_line_that_grading_is_not_included(site, tmp_path):
    code = "from labs.engine.cli import course; sys.exit(course(['grade']))"
    run = run_installed(site, code, tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        "course: grading is not included in the student handout; use lab --help\n"
    )


def test_the_command_writes_the_zip_and_prints_its_path(small, tmp_path, capsys):
    parser = argparse.ArgumentParser()
    release_command.add(parser.add_subparsers())
    options = parser.parse_args(["release", "toy", "-o", str(tmp_path / "out")])
    assert options.run(options, small.course) == 0
    (path,) = (tmp_path / "out").iterdir()
    assert path.name == "toy-1.zip"
    assert capsys.readouterr().out == f"{path}\n"
    assert path.read_bytes() == release(small.course, small.course.lab("toy")).content()


# What is refused, on a small course.


@pytest.fixture
def small(toy):
    """The toy course with what every handout needs."""
    build.write(toy.built())
    for name in (*COPIED, "README.md", "Makefile"):
        (toy.root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, toy.root / name)
    return toy


def test_a_small_course_can_be_released(small):
    files = release(small.course, small.course.lab("toy")).files
    assert {"labs/toy/lab.toml", "labs/toy/toy.ipynb", "labs/toy/checks.py"} <= set(files)
    assert not [name for name in files if "answers" in name]


def test_exercises_that_do_not_count_are_told(small):
    small.edit(small.root / "course.toml", "weight = 1.0", 'weight = 1.0\nexercises = ["9.1"]')
    files = release(small.course, small.course.lab("toy")).files
    assert tomllib.loads(files[DATES].decode())["labs"]["toy"]["exercises"] == ["9.1"]
    assert "of this lab count: 9.1" in files["README.md"].decode()


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        (
            "labs/toy/hidden.py",
            "HIDDEN",
            r"labs/toy/hidden\.py holds .* of grading/answers/toy/hidden",
        ),
        (
            "labs/toy/notes.md",
            "One outlier would decide the sum. Its true size gets lost.",
            "notes.md",
        ),
        ("labs/toy/solved.ipynb", "{}", "solved.ipynb is no notebook of a lab or its"),
        ("labs/toy/grades.db", "", "grades.db has no place in a handout"),
        ("labs/toy/toy.ipynb", "{}", "toy.ipynb is not what its source gives; course build toy"),
    ],
)
def test_what_must_not_be_handed_out(small, path, text, message):
    hidden = """
def all_of_it(student, rng):
    for limit in (3, 4, 5):
        values = [limit + 1, limit - 1, limit]
        want = limit + limit - 1 + limit
        got = student.clipped_sum(values, limit)
        assert got == want, f"{limit}: {got}"
"""
    with (small.answers / "hidden.py").open("a") as file:
        file.write(f'\n\n@check("9.1", sentence="An empty list gives 0."){hidden}')
    (small.root / path).write_text(hidden if text == "HIDDEN" else text)
    with pytest.raises(ReleaseError, match=message):
        release(small.course, small.course.lab("toy"))


STUDY = """
[studies.more]
title = "More"
sentence = "More."
notebook = "more.ipynb"
results = ["value"]
"""


def test_a_notebook_of_a_study_is_handed_out_without_outputs(small):
    small.edit(small.folder / "lab.toml", "[results]", '[results]\nvalue = "A number."')
    (small.folder / "studies.toml").write_text(STUDY)
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": "seed = 0"}
    more = small.folder / "more.ipynb"
    more.write_text(json.dumps({"nbformat": 4, "cells": [cell]}))
    lab = small.course.lab("toy")
    files = release(small.course, lab).files
    assert {"labs/toy/more.ipynb", "labs/toy/studies.toml"} <= set(files)
    more.write_text(json.dumps({"nbformat": 4, "cells": [cell | {"outputs": [{"a": 1}]}]}))
    with pytest.raises(ReleaseError, match=r"toy/more\.ipynb: cell 0 holds outputs; clear all"):
        release(small.course, lab)


def test_outputs_a_link_and_a_missing_file_are_refused(small):
    lab = small.course.lab("toy")
    notebook = json.loads(small.student.read_text())
    notebook["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "4"}]
    small.student.write_text(json.dumps(notebook))
    with pytest.raises(ReleaseError, match="cell 1 holds outputs"):
        release(small.course, lab)
    small.student.unlink()
    with pytest.raises(ReleaseError, match=r"toy\.ipynb is missing; course build toy"):
        release(small.course, lab)
    (small.folder / "link.md").symlink_to(small.source)
    with pytest.raises(ReleaseError, match=r"link\.md is a link"):
        release(small.course, lab)
    (small.folder / "link.md").unlink()
    (small.root / "LICENSE").unlink()
    with pytest.raises(ReleaseError, match="LICENSE is missing; a handout needs it"):
        release(small.course, lab)


def test_a_lab_without_a_table_is_not_handed_out(small):
    small.edit(small.root / "course.toml", "[labs.toy]\nweight = 1.0", "")
    with pytest.raises(ReleaseError, match=r"course\.toml has no \[labs\.toy\]; add one"):
        release(small.course, small.course.lab("toy"))
