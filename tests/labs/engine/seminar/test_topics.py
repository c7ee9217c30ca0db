"""Worked topics: every field is filled, every first figure is a sweep that can be run."""

import re
import shlex
from pathlib import Path

import pytest

from labs.engine import cli
from labs.engine.catalog import find_labs
from labs.engine.errors import LabFormatError, UsageError
from labs.engine.seminar import material, topics
from labs.engine.seminar.projects import plan_project, write_project
from labs.engine.seminar.topics import Topic

TOPICS = topics.find_topics()
ALL = pytest.mark.parametrize("topic", TOPICS.values(), ids=list(TOPICS))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("topics") / "project"
    write_project(plan_project("project", folder=folder))
    return folder


def test_there_are_twelve_with_different_titles_and_figures() -> None:
    assert len(TOPICS) == 12
    assert len({topic.title for topic in TOPICS.values()}) == 12
    assert len({topic.first_figure.command for topic in TOPICS.values()}) == 12


@ALL
def test_the_first_figure_is_a_sweep_of_so_many_runs(
    topic: Topic,
    project: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(project)
    program, *words = shlex.split(topic.first_figure.command)
    assert (program, words[0], words[-2:]) == ("lab", "sweep", ["-o", "results/first"])
    assert cli.main([*words, "--dry-run"]) == cli.EXIT_OK
    said = capsys.readouterr().out
    assert said.startswith(f"{topic.first_figure.runs} runs; seeds of a setting: ")
    assert f"\n{topic.first_figure.runs}  waiting" in said


@ALL
def test_it_builds_on_labs_that_are_here(topic: Topic) -> None:
    labs = {lab.name for lab in find_labs()}
    assert set(topic.labs) <= labs
    target = shlex.split(topic.first_figure.command)[2]
    assert target in topic.labs or (target == "experiment.ipynb" and not topic.labs)


@ALL
def test_results_it_names_exist(topic: Topic) -> None:
    """With a lab the dry run says so; those of the project's notebook stand in its study."""
    if not topic.labs:
        known = re.findall(r'"(\w+)"', material.read("project/studies.txt").partition("[[")[0])
        asked = re.findall(r"-r (\w+)", topic.first_figure.command)
        assert set(asked) <= set(known)


@ALL
def test_the_form_is_filled_in(topic: Topic) -> None:
    text = topics.proposal(topic)
    form = material.template("proposal")
    assert material.headings(text) == material.headings(form)
    assert material.prompts(text) == []
    assert topic.question.endswith("?")
    assert f"    {topic.first_figure.command}\n" in text
    assert len(topic.risks) >= 2
    assert all(": " in risk and "; " in risk for risk in topic.risks), "what, seen how; then what"


@ALL
def test_readings_name_authors_title_place_and_year(topic: Topic) -> None:
    assert 3 <= len(topic.reading) <= 5
    for line in topic.reading:
        assert re.search(r"\b(19|20)\d\d\b|arXiv \d{4}\.\d{4,5}", line), line
        assert line.count(", ") >= 2, line


def test_an_unknown_topic_is_refused_with_what_was_meant() -> None:
    with pytest.raises(UsageError, match="did you mean 'bits-or-width'"):
        topics.find_topic("bits-or-widths")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("risks =", "risk =", "risk: unknown key; did you mean 'risks'"),
        ("runs = ", "runs = -", "is not a whole number >= 1"),
        ("x = ", "z = ", "first_figure.z: unknown key"),
        ('labs = ["quickstart"]', "labs = 3", "labs: 3 is not a list of texts"),
        ("title =", "title", "cannot be read as TOML"),
    ],
)
def test_a_topic_that_cannot_be_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = (topics.TOPICS / "bits-or-width.toml").read_text(encoding="utf-8")
    assert re.search(rf"(?m)^{re.escape(old)}", text)
    path = tmp_path / "topic.toml"
    path.write_text(re.sub(rf"(?m)^{re.escape(old)}", new, text, count=1), encoding="utf-8")
    with pytest.raises(LabFormatError, match=re.escape(message)):
        topics.read_topic(path)
