"""The commands of a seminar: what goes to stdout, one line a mistake, exit codes."""

from pathlib import Path

import pytest

from labs.engine import cli
from labs.engine.seminar import material, sheets, topics

PROSE = "We measured the latency of a model on one core and found less than was claimed. " * 5


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def good(place: Path) -> Path:
    text = material.template("one-pager")
    sections = dict.fromkeys(material.headings(text), PROSE)
    path = place / "good.md"
    sections["Paper"] = "A. Author, A Title, A Conference, the second version, 2020."
    path.write_text(material.filled(text, sections), encoding="utf-8")
    return path


def lab(*words: str) -> int:
    return cli.main(list(words))


def test_one_pagers_are_told_line_by_line(
    good: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab("onepager", "check", "good.md") == cli.EXIT_OK
    assert capsys.readouterr().out.startswith("good.md: in order, ")
    (place / "bad.md").write_text(good.read_text("utf-8").replace("## Evidence", "## So"), "utf-8")
    assert lab("onepager", "check", ".") == cli.EXIT_FAILED
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == (
        "bad.md: section Evidence: missing; allowed: one heading; add the heading '## Evidence'"
    )
    assert "lab: 2 checked, 1 with findings; the form alone" in said.err


def test_rules_of_ones_own_take_the_place_of_the_courses(
    good: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = (material.MATERIAL / "one_pager.toml").read_text(encoding="utf-8")
    own = rules.replace("max_words = 500", "max_words = 260").partition("templates")[0]
    sections = rules[rules.index("[[sections]]") :]
    (place / "own.toml").write_text(own + sections, encoding="utf-8")
    assert lab("onepager", "check", good.name, "--rules", "own.toml") == cli.EXIT_FAILED
    assert "allowed: 250 to 260; leave out what matters least" in capsys.readouterr().out
    assert lab("onepager", "check", good.name, "--rules", "none.toml") == cli.EXIT_USAGE
    assert "none.toml: No such file or directory; give a file of rules" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("onepager check none.md", "no file or folder none.md; check the path"),
        ("onepager check .", "holds no one-pager (.md, .markdown, .txt)"),
        ("onepager", "the following arguments are required: ACTION"),
        ("topics bits", "no topic 'bits' (topics: bits-or-width"),
        ("template one-pagr", "no template 'one-pagr'; did you mean 'one-pager'?"),
        ("new-project a --topic fewer-byte", "no topic 'fewer-byte'; did you mean 'fewer-bytes'?"),
        ("new-project .a", "'.a' cannot be a project's name"),
    ],
)
def test_wrong_usage_is_one_line(
    place: Path, capsys: pytest.CaptureFixture[str], words: str, line: str
) -> None:
    assert lab(*words.split()) == cli.EXIT_USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert line in said.err
    assert not list(place.iterdir())


def test_templates_are_listed_shown_and_written(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab("template") == cli.EXIT_OK
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == sheets.names()
    assert lab("template", "reading-sheet") == cli.EXIT_OK
    assert capsys.readouterr().out == material.template("reading-sheet")
    assert lab("template", "rubric-final", "-o", "final.html") == cli.EXIT_OK
    assert (place / "final.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    capsys.readouterr()
    assert lab("template", "rubric-final", "-o", "final.html") == cli.EXIT_USAGE
    assert "nothing is overwritten" in capsys.readouterr().err


def test_topics_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert lab("topics") == cli.EXIT_OK
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == list(topics.find_topics())
    assert lab("topics", listed[0]) == cli.EXIT_OK
    assert capsys.readouterr().out == topics.proposal(topics.find_topic(listed[0]))


def test_a_project_is_made_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lab("new-project", "ours", "--topic", "fewer-bytes") == cli.EXIT_OK
    said = capsys.readouterr()
    assert str(Path("ours/experiment.ipynb")) in said.out.splitlines()
    assert "next: cd ours && make test && make figure" in said.err
    assert lab("new-project", "ours") == cli.EXIT_USAGE
    assert "ours is not empty" in capsys.readouterr().err
    assert lab("new-project", "ours", "-o", "second") == cli.EXIT_OK
    assert (place / "second" / "Makefile").is_file()
