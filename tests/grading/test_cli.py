"""The command `course`: exit codes, what goes to which stream, and one whole run of everything."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grading import cli

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def course(toy, monkeypatch):
    """Stand in the toy course, and return the function that types a command there."""
    monkeypatch.chdir(toy.root)
    return cli.main


def test_build_prints_the_tally_and_nothing_else(toy, course, capsys):
    assert course(["build", "toy"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("9.1: 3 correct score full, 5 mistakes lose points, ")
    assert said.out.count("\n") == 1
    assert "toy: wrote labs/toy/toy.ipynb" in said.err
    assert toy.student.exists()


def test_check_fails_before_an_execution_and_passes_after(toy, course, capsys):
    toy.built()
    assert course(["build", "--check"]) == 1
    assert "labs/toy/toy.ipynb is missing" in capsys.readouterr().err
    toy.executed()
    assert course(["build", "--check"]) == 0
    said = capsys.readouterr()
    assert said.out == ""


def test_a_survivor_exits_1_with_the_list(toy, course, capsys):
    (toy.answers / "variants" / "equivalent.toml").unlink()
    assert course(["build", "toy"]) == 1
    said = capsys.readouterr()
    assert "no check notices the mutant: if value > limit: => if value >= limit:" in said.err
    assert said.out.startswith("9.1: ")


@pytest.mark.parametrize(
    "arguments", [[], ["bild"], ["build", "--check", "--execute"], ["new", "x", "--number", "y"]]
)
def test_what_argparse_refuses_is_one_line_that_points_to_the_help(course, capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        course(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("course")
    assert said.endswith(" --help\n")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["build", "toi"], 2, "no lab 'toi'; did you mean 'toy'?"),
        (["new", "Toy"], 2, "'Toy' cannot be the name of a lab"),
        (["new", "pruning"], 2, "no lab 'quickstart'"),
    ],
)
def test_wrong_usage_exits_2_with_one_line(course, capsys, arguments, code, message):
    assert course(arguments) == code
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_wrong_source_exits_1_without_a_traceback(toy, course, capsys):
    toy.edit(toy.source, "    ### END SOLUTION\n", "")
    assert course(["build"]) == 1
    said = capsys.readouterr()
    assert "(cell-04): line 4: ### BEGIN SOLUTION without an ### END SOLUTION" in said.err
    assert "Traceback" not in said.err


def test_one_wrong_lab_does_not_stop_the_others(toy, course, capsys):
    other = toy.folder.with_name("aaa")
    other.mkdir()
    text = (toy.folder / "lab.toml").read_text().replace("number = 9", "number = 8")
    (other / "lab.toml").write_text(text.replace('"9.', '"8.'))
    toy.executed()
    assert course(["build", "--check"]) == 1
    said = capsys.readouterr().err
    assert "aaa/source.py is missing" in said
    assert "toy: both notebooks are what the source gives" in said


@pytest.mark.parametrize("arguments", [["--help"], ["build", "--help"], ["new", "--help"]])
def test_help_has_an_example(course, capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        course(arguments)
    assert ended.value.code == 0
    assert "example" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["build", "--check", "--execute"], ["bild"]])
def test_unknown_arguments_exit_2(course, arguments):
    with pytest.raises(SystemExit) as ended:
        course(arguments)
    assert ended.value.code == 2


def test_an_unwritable_folder_is_one_line(toy, course, capsys, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("grading.building.build.write_atomically", refuse)
    assert course(["build", "toy"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("course: No space left on device; check the path, free space")
    assert said.count("\n") == 1
    assert not toy.student.exists()


def _as_template(toy):
    toy.folder.rename(toy.folder.with_name("quickstart"))
    toy.answers.rename(toy.answers.with_name("quickstart"))
    toy.edit(toy.root / "course.toml", "labs.toy", "labs.quickstart")


def test_new_leaves_nothing_when_the_template_does_not_pass(toy, course, capsys, monkeypatch):
    _as_template(toy)
    monkeypatch.setattr("labs.engine.runner.run", toy.run)
    variants = toy.answers.with_name("quickstart") / "variants"
    (variants / "equivalent.toml").unlink()
    before = sorted(toy.root.rglob("*"))
    text = (toy.root / "course.toml").read_text()
    assert course(["new", "pruning"]) == 1
    assert "pruning was not made: its template quickstart does not pass" in capsys.readouterr().err
    assert sorted(toy.root.rglob("*")) == before
    (variants / "9.1" / "mistake_max.py").write_text("no first line")
    assert course(["new", "pruning"]) == 1
    assert sorted(toy.root.rglob("*")) == before
    assert (toy.root / "course.toml").read_text() == text


@pytest.mark.notebook
def test_a_new_lab_passes_every_gate(toy):
    """The toy lab as template in a copy of the project: built, tried, executed, checked."""
    for name in ("course_utils", "datasets"):
        shutil.copytree(REPOSITORY / name, toy.root / name)
    for part in ("__init__.py", "engine", "shared"):
        source = REPOSITORY / "labs" / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, toy.root / "labs" / part)
    grading = REPOSITORY / "grading"
    for source in grading.rglob("*"):
        if source.suffix not in (".py", ".sql", ".md") or "answers" in source.parts:
            continue
        copied = toy.root / source.relative_to(REPOSITORY)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copied)
    _as_template(toy)

    def course(*arguments):
        command = [sys.executable, "-m", "grading.cli", *arguments]
        environment = os.environ | {"PYTHONPATH": str(toy.root)}
        return subprocess.run(
            command, cwd=toy.root, env=environment, capture_output=True, text=True, check=False
        )

    made = course("new", "pruning", "--title", "Pruning")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("0.1: 3 correct score full, 5 mistakes lose points")
    assert "Traceback" not in made.stderr
    checked = course("build", "pruning", "--check")
    assert checked.returncode == 0, checked.stderr
    executed = toy.root / "grading" / "answers" / "pruning" / "reference.ipynb"
    text = executed.read_text()
    assert "15.0" in text  # (1 + 3 + 2) * 2.5
    assert "source_sha256" in text
    assert str(toy.root) not in text
    assert course("new", "pruning").returncode == 2
