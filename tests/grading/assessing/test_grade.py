"""The command ``course grade``: what it writes, says and refuses."""

import argparse
import csv
import dataclasses
import json
import subprocess
import sys

import pytest

from grading.assessing.progress import ProgressLine, progress_text
from grading.building import build
from grading.commands import grade
from grading.store import Store
from labs.engine import extras
from labs.engine.errors import ExtraMissingError, UsageError
from labs.engine.sandbox.confine import walls_missing

RIGHT = (
    "# Exercise 9.1\ndef clipped_sum(values, limit):\n    return sum(min(v, limit) for v in values)"
)
TEXT = "#### Exercise 9.2\n\nOne outlier would decide the sum <script>alert(1)</script>."
TRUST = ["--trust-submissions"] if walls_missing() else []


@pytest.fixture
def handed_in(toy, tmp_path):
    """A folder with a right, an untouched and a broken submission."""
    build.write(toy.built())
    folder = tmp_path / "handed-in"
    untouched = toy.student.read_bytes()
    content = json.loads(untouched)
    for cell in content["cells"]:
        mark = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = {"answer-9-1": RIGHT, "answer-9-2": TEXT}.get(mark, cell["source"])
    given = {"anna": json.dumps(content).encode(), "ben": untouched, "cleo": b"%PDF-1.7"}
    for name, notebook in given.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "toy.ipynb").write_bytes(notebook)
    return folder


@pytest.fixture
def course(toy):
    """Return the function that types ``course grade`` in the toy course."""

    def run(*words):
        parser = argparse.ArgumentParser()
        grade.add(parser.add_subparsers())
        options = parser.parse_args(["grade", *map(str, words), *TRUST])
        return options.run(options, toy.course)

    return run


def rows(folder) -> dict[str, dict[str, str]]:
    with (folder / "grades.csv").open(encoding="utf-8") as file:
        return {row["submission"]: row for row in csv.DictReader(file)}


def test_every_submission_has_a_row_a_page_and_a_line(course, handed_in, tmp_path, capsys, caplog):
    grades = tmp_path / "grades"
    assert course("toy", handed_in, "-o", grades, "--jobs", "1") == 0
    found = rows(grades)
    assert list(found) == ["anna", "ben", "cleo"]
    assert [row["status"] for row in found.values()] == ["needs_marking", "graded", "refused"]
    anna = found["anna"]
    assert (anna["total"], anna["max_total"], anna["9.1"], anna["9.2"]) == ("4", "6", "4", "")
    assert anna["late_days"] == ""
    for name in found:
        page = (grades / "feedback" / name / "feedback.html").read_text(encoding="utf-8")
        assert "<script" not in page
    said = capsys.readouterr().out
    assert "cleo" in said
    for name in ("grades.csv", "report.html", "feedback", "grades.db"):
        assert f"{grades / name}\n" in said
        assert (grades / name).exists()

    # Again: nothing is graded, and every byte is as it was; then somebody withdraws.
    before = {p: p.read_bytes() for p in grades.rglob("*.*") if p.suffix in (".html", ".csv")}
    assert course("toy", handed_in, "-o", grades) == 0
    assert {p: p.read_bytes() for p in before} == before
    (handed_in / "ben" / "toy.ipynb").unlink()
    (handed_in / "ben").rmdir()
    assert course("toy", handed_in, "-o", grades) == 0
    assert list(rows(grades)) == ["anna", "cleo"]
    assert not (grades / "feedback" / "ben").exists()
    with Store(grades, is_writer=False) as store:
        assert store.log()[-1].reason == "no longer among the submissions"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--jobs", "0"], "give a number >= 1"),
        (["--preset", "smokey"], "no preset 'smokey'; did you mean 'smoke'"),
        (["--only", "ana"], "no submission 'ana'; did you mean 'anna'"),
    ],
)
def test_wrong_usage_says_what_is_allowed(course, handed_in, tmp_path, words, message):
    with pytest.raises(UsageError, match=message):
        course("toy", handed_in, "-o", tmp_path / "grades", *words)


def test_without_walls_it_refuses_unless_submissions_are_trusted(
    toy, handed_in, tmp_path, monkeypatch
):
    monkeypatch.setattr(grade, "walls_missing", lambda: "namespaces are forbidden here")
    parser = argparse.ArgumentParser()
    grade.add(parser.add_subparsers())
    options = parser.parse_args(["grade", "toy", str(handed_in), "-o", str(tmp_path / "grades")])
    with pytest.raises(UsageError, match=r"are forbidden here\. .*--trust-submissions"):
        options.run(options, toy.course)
    assert not (tmp_path / "grades").exists()


def test_a_lab_whose_extra_is_missing_says_so_before_anything_is_graded(
    toy, course, handed_in, tmp_path, monkeypatch
):
    toy.edit(toy.folder / "lab.toml", "extras = []", 'extras = ["mcu"]')
    missing = dataclasses.replace(extras.find_extra("mcu"), missing=("ziglang>=0.15",))
    monkeypatch.setattr(extras, "find_extra", lambda name: missing)
    message = r"^grading lab toy needs ziglang>=0\.15, not installed here; run: .*\[mcu\]\"$"
    with pytest.raises(ExtraMissingError, match=message):
        course("toy", handed_in, "-o", tmp_path / "grades")
    assert not (tmp_path / "grades").exists()


def test_an_interruption_says_how_to_go_on(course, handed_in, tmp_path, monkeypatch, caplog):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(grade, "grade_all", interrupted)
    assert course("toy", handed_in, "-o", tmp_path / "grades") == grade.INTERRUPTED
    assert "the same command goes on" in caplog.text


def test_the_coordinator_imports_neither_torch_nor_what_draws():
    """It holds a thousand submissions' rows and stays below 150 MB."""
    code = (
        "import sys, psutil, grading.commands.grade\n"
        "heavy = {'torch', 'matplotlib', 'pandas', 'sklearn', 'IPython', 'papermill'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "print(psutil.Process().memory_info().rss < 100e6)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\nTrue\n"


class Terminal:
    def __init__(self, *, is_one: bool) -> None:
        self.text, self._is_one = "", is_one

    def isatty(self) -> bool:
        return self._is_one

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None: ...


def test_progress_is_for_terminals_only():
    terminal, file = Terminal(is_one=True), Terminal(is_one=False)
    seconds = iter([0.0, 0.0, 60.0])
    line = ProgressLine(terminal, clock=lambda: next(seconds))
    line(0, 4)
    line(1, 4)
    line.close()
    assert terminal.text == "\r0 of 4 graded\r1 of 4 graded, about 3 min left\n"
    silent = ProgressLine(file)
    silent(1, 4)
    silent.close()
    assert file.text == ""
    assert progress_text(4, 4, elapsed_s=9.0) == "4 of 4 graded"
