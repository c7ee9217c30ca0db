"""The command `course collect`: what it prints, its exit codes, and what it leaves alone."""

import importlib.util
import sys
from pathlib import Path

import pytest

from grading import cli
from grading.commands.collect import lines
from grading.moodle.identities import read_identities
from grading.submissions import read_submissions


def _load(name: str):
    """Load a helper by its place: the folder of tests has no __init__.py."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
    return module


moodle = _load("moodle_downloads")


@pytest.fixture
def place(toy, tmp_path, monkeypatch):
    """A folder with a download of four, one of them refused, and a worksheet that has five."""
    hand_ins, rows = moodle.cohort(4)
    hand_ins[2].files = {"report.pdf": b"%PDF"}
    rows.append(moodle.Row(9, "Nobody Here", submitted=None))
    more = [("readme.txt", b"x")]
    (tmp_path / "download.zip").write_bytes(moodle.download(hand_ins, more=more))
    for language in ("en", "de"):
        sheet = moodle.worksheet(rows, language=language)
        (tmp_path / f"{language}.csv").write_bytes(sheet)
    monkeypatch.chdir(toy.root)
    return tmp_path


def collect(place, *arguments):
    words = ["collect", "toy", str(place / "download.zip"), "-o", str(place / "out"), *arguments]
    return cli.main(words)


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_download_is_collected_and_the_table_says_what_came(place, capsys, language):
    assert collect(place, "--worksheet", str(place / f"{language}.csv")) == 0
    said = capsys.readouterr()
    first, refused = said.out.splitlines()
    assert first == "toy: 3 to grade, 1 refused, 1 missing, 1 left over"
    assert refused.startswith("refused  s")
    assert "no notebook among the files (report.pdf)" in refused
    assert "left over: readme.txt is not named" in said.err
    assert "Person" not in said.out + said.err
    sheet = (place / "out" / "worksheet.csv").read_bytes()
    assert sheet == (place / f"{language}.csv").read_bytes()
    submitted = [s.submitted for s in read_submissions(place / "out")]
    assert sum(when is not None for when in submitted) == 4


def test_without_a_worksheet_the_one_collected_before_is_used(place, capsys):
    assert collect(place) == 0
    assert "lateness is unknown" in capsys.readouterr().err
    assert collect(place, "--worksheet", str(place / "en.csv")) == 0
    before = {p: p.read_bytes() for p in (place / "out").rglob("*") if p.is_file()}
    assert collect(place) == 0
    assert {p: p.read_bytes() for p in (place / "out").rglob("*") if p.is_file()} == before


def test_the_secret_is_made_once_and_pseudonyms_stay(place, toy):
    assert collect(place, "--worksheet", str(place / "en.csv")) == 0
    identities = read_identities(place / "out" / "identities.json")
    (place / "out").rename(place / "first")
    assert collect(place, "--worksheet", str(place / "de.csv")) == 0
    assert read_identities(place / "out" / "identities.json") == identities


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--worksheet", "nowhere.csv"], "nowhere.csv is no file"),
        (["--worksheet", "course.toml"], "course.toml: line 1"),
    ],
)
def test_a_worksheet_that_is_none_is_wrong_usage(place, capsys, arguments, words):
    assert collect(place, *arguments) == 2
    assert words in capsys.readouterr().err
    assert not (place / "out").exists()


@pytest.mark.parametrize("content", [None, b"", b"PK\3\4 broken", moodle.zipped({"a.txt": b""})])
def test_a_download_that_is_none_is_wrong_usage(place, capsys, content):
    path = place / "download.zip"
    path.unlink() if content is None else path.write_bytes(content)
    assert collect(place) == 2
    said = capsys.readouterr()
    assert "download.zip" in said.err
    assert said.out == ""
    assert not (place / "out").exists()


def test_a_folder_of_something_else_is_left_alone(place, capsys):
    (place / "out").mkdir()
    (place / "out" / "thesis.tex").write_text("mine")
    assert collect(place) == 2
    assert "give a new folder" in capsys.readouterr().err
    assert [path.name for path in (place / "out").iterdir()] == ["thesis.tex"]


def test_the_table_of_nothing_is_one_line(toy, tmp_path):
    desk = moodle.Desk(toy.course.lab("toy"), tmp_path)
    found = desk.collect(moodle.download(moodle.cohort(2)[0]))
    assert list(lines(found, desk.lab)) == ["toy: 2 to grade, 0 refused, 0 missing, 0 left over"]
