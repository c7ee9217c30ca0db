"""New projects: they work as they are made, and nothing that exists is touched."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import jupytext
import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from labs.engine import cli
from labs.engine.errors import UsageError
from labs.engine.parameters import read_parameters
from labs.engine.seminar import material, projects, topics
from labs.engine.seminar.notebooks import notebook_text
from labs.engine.seminar.projects import Project, plan_project, write_project

TOPIC = topics.find_topic("bits-or-width")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project from a topic."""
    folder = tmp_path_factory.mktemp("projects") / "ours"
    write_project(plan_project("ours", topic=TOPIC, folder=folder))
    return folder


def test_every_field_is_filled(made: Path) -> None:
    for path in made.rglob("*"):
        if path.is_file():
            assert "{{" not in path.read_text(encoding="utf-8"), path.name


def test_the_topic_fills_title_question_proposal_and_first_figure(made: Path) -> None:
    assert (made / "proposal.md").read_text(encoding="utf-8") == topics.proposal(TOPIC)
    assert TOPIC.question in (made / "README.md").read_text(encoding="utf-8")
    assert TOPIC.question in (made / "experiment.ipynb").read_text(encoding="utf-8")
    line = TOPIC.first_figure.command.replace("lab ", "\t$(LAB) ", 1)
    assert f"{line}\n" in (made / "Makefile").read_text(encoding="utf-8")


def test_without_a_topic_the_form_is_open(tmp_path: Path) -> None:
    project = plan_project("my-project", folder=tmp_path / "x")
    assert project.files["proposal.md"] == material.template("proposal")
    assert project.files["README.md"].startswith("# My project\n")


def test_the_same_project_is_the_same_bytes() -> None:
    assert plan_project("a", topic=TOPIC) == plan_project("a", topic=TOPIC)


def test_the_readme_names_every_file_and_verb(made: Path) -> None:
    text = (made / "README.md").read_text(encoding="utf-8")
    tops = {path.name for path in made.iterdir() if not path.name.startswith(".")}
    unnamed = {name for name in tops if f"`{name}" not in text} - {"README.md", "Makefile"}
    assert unnamed == set()
    verbs = set(re.findall(r"(?m)^([a-z]+):", (made / "Makefile").read_text(encoding="utf-8")))
    assert set(re.findall(r"make ([a-z]+)", text)) <= verbs


def test_the_notebook_is_valid_and_its_parameters_say_what_they_are(made: Path) -> None:
    nbformat.validate(nbformat.read(made / "experiment.ipynb", as_version=4))
    parameters = read_parameters(made / "experiment.ipynb").values()
    assert [each.name for each in parameters if not each.comment] == []
    assert {"train_size", "method", "seed"} <= {each.name for each in parameters}


def test_the_percent_format_is_read_as_jupytext_does() -> None:
    """The oracle is what reads the sources of the labs."""
    text = material.read("project/experiment.txt")
    ours = json.loads(notebook_text(text))["cells"]
    theirs = jupytext.reads(text, fmt="py:percent").cells
    assert [(c["cell_type"], "".join(c["source"]), c["metadata"].get("tags")) for c in ours] == [
        (cell.cell_type, cell.source, cell.metadata.get("tags")) for cell in theirs
    ]


def test_constraints_are_versions_that_are_installed(made: Path) -> None:
    lines = (made / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = {Requirement(line).name: line for line in lines if not line.startswith("#")}
    root = Path(__file__).parents[4]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {Requirement(line).name for line in project["dependencies"]}
    assert set(found) == {name.replace("_", "-") for name in declared} or set(found) == declared
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in found.values())


# The sweep


@pytest.mark.notebook
def test_its_sweep_ends_in_a_table_and_a_figure(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The main study on a smaller grid: four runs."""
    monkeypatch.chdir(made)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    words = "sweep experiment.ipynb --study main -o results/main --jobs 2 --seeds 2"
    grid = "-g train_size=50,200 -g method=nearest -p measure_s 0.05"
    assert cli.main([*words.split(), *grid.split()]) == cli.EXIT_OK, capsys.readouterr().err
    folder = made / "results" / "main"
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["ok"] * 4
    assert {float(row["top1_gain"]) for row in rows} == {0.0}, "nearest is its own baseline"
    assert all(0.5 < float(row["top1"]) <= 1 for row in rows), "chance is 0.1"
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<h1>Digits to train on against accuracy</h1>" in page
    assert re.findall(r'alt="(Lines: \w+ against \w+)', page) == [
        "Lines: top1 against train_size",
        "Lines: top1_gain against train_size",
    ]


@pytest.mark.notebook
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_test_is_green_in_a_new_project(made: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    run = subprocess.run(
        ["make", "test", f"PYTHON={sys.executable}"],
        check=False,
        cwd=made,
        env={**environment, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "OK" in run.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_its_other_verbs_call_commands_that_exist(made: Path) -> None:
    # Under make this one would also say which folder it enters and leaves.
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    for verb in ("figure", "first", "onepagers"):
        run = subprocess.run(
            ["make", "-n", verb],
            check=True,
            cwd=made,
            env=outside,
            capture_output=True,
            text=True,
            timeout=60,
        )
        *_, words = run.stdout.strip().partition("-m labs.engine.cli ")
        arguments = words.split()
        if arguments[0] == "sweep":
            assert arguments[-1].startswith("results/")
            arguments = [*arguments[:-1], "results/another", "--dry-run"]
            here = Path.cwd()
            os.chdir(made)
            try:
                assert cli.main(arguments) == cli.EXIT_OK
            finally:
                os.chdir(here)
        else:
            assert arguments == ["onepager", "check", "one_pagers"]


def test_its_one_pagers_are_checked(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The form itself lies elsewhere; a copy that nobody filled in is found."""
    monkeypatch.chdir(made)
    assert cli.main(["onepager", "check", "one_pagers"]) == cli.EXIT_USAGE
    shutil.copy("one_pager.md", "one_pagers/first.md")
    assert cli.main(["onepager", "check", "one_pagers"]) == cli.EXIT_FAILED
    assert "replace this prompt" in capsys.readouterr().out


# Faults


@pytest.mark.parametrize("name", ["", "-x", "a b", "../up", "a/b", "ü", "a\nb"])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a project's name"):
        plan_project(name)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="is not empty"):
        plan_project("a", folder=tmp_path)
    with pytest.raises(UsageError, match="exists and is no folder"):
        plan_project("a", folder=tmp_path / "mine.txt")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="exists and is no folder"):
        plan_project("a", folder=tmp_path / "link")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "mine.txt"]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    written = write_project(plan_project("a", folder=tmp_path))
    assert {path.relative_to(tmp_path).as_posix() for path in written} >= {"Makefile", "README.md"}


@given(st.integers(0, 4))
def test_after_a_failure_nothing_is_left(place: int) -> None:
    """A file that cannot be written, first, last or between the others."""
    names = ["a.md", "b/c.md", "b/d/e.md", "f.md"]
    names.insert(place, "a.md/impossible.md" if place else "b")
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "new"
        with pytest.raises(OSError, match=r".+"):
            write_project(Project(folder, dict.fromkeys([*names, "a.md/x"], "text")))
        assert not folder.exists()


def test_git_is_begun_only_where_there_is_no_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    inside = tmp_path / "inside"
    inside.mkdir()
    assert projects.start_repository(inside)
    assert (inside / ".git").is_dir()
    (inside / "deeper").mkdir()
    assert not projects.start_repository(inside / "deeper")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert not projects.start_repository(tmp_path)
