"""Worked topic proposals: every field of the form ``proposal.md``, filled in, a file each.

The first figure of each is one ``lab sweep`` command. Nothing is run here.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.engine.catalog import did_you_mean
from labs.engine.errors import LabFormatError, UsageError
from labs.engine.seminar.material import MATERIAL, filled, template
from labs.engine.sweeps.toml_tables import Table

TOPICS = MATERIAL / "topics"
_LINES = ("title", "question", "why", "data", "baseline", "success", "related", "workload")
_FIGURE_LINES = ("x", "y", "lines", "command")
_KEYS = (*_LINES, "labs", "risks", "reading", "first_figure")


@dataclass(frozen=True)
class FirstFigure:
    """The first figure of a topic.

    Parameters
    ----------
    x, y, lines
        What varies along x, what is measured along y, what each line is.
    command
        One line that makes it, writing into ``results/first``.
    runs
        How many runs that are.
    """

    x: str
    y: str
    lines: str
    command: str
    runs: int


@dataclass(frozen=True)
class Topic:
    """One worked proposal.

    Parameters
    ----------
    name
        As it is asked for.
    labs
        Those that it builds on; none where a notebook of one's own does.
    first_figure
        The figure to begin with.
    risks, reading
        A line each.
    title, question, why, data, baseline, success, related, workload
        The other fields of the form.
    """

    name: str
    labs: tuple[str, ...]
    first_figure: FirstFigure
    risks: tuple[str, ...]
    reading: tuple[str, ...]
    title: str
    question: str
    why: str
    data: str
    baseline: str
    success: str
    related: str
    workload: str


def find_topics(folder: Path = TOPICS) -> dict[str, Topic]:
    """Return all topics by name, in the order of their files.

    Parameters
    ----------
    folder
        That holds a TOML file each.

    Raises
    ------
    LabFormatError
        If a file is not as documented; the message names the key.
    """
    return {path.stem: read_topic(path) for path in sorted(folder.glob("*.toml"))}


def find_topic(name: str) -> Topic:
    """Return the topic of this name.

    Raises
    ------
    UsageError
        If there is none; the message lists them.

    Examples
    --------
    >>> find_topic("bits-or-width").labs
    ('quickstart',)
    """
    topics = find_topics()
    if name not in topics:
        hint = did_you_mean(name, topics)
        raise UsageError(f"no topic {name!r}{hint} (topics: {', '.join(topics)})")
    return topics[name]


def read_topic(path: Path) -> Topic:
    """Return the topic in a file.

    Parameters
    ----------
    path
        Of the file.

    Raises
    ------
    LabFormatError
        If a key is unknown, missing or empty.
    """
    try:
        table = Table(tomllib.loads(path.read_text(encoding="utf-8")), path)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise LabFormatError(f"{path} cannot be read as TOML: {err}; correct it") from err
    table.check_keys(_KEYS)
    figure = table.table("first_figure")
    figure.check_keys((*_FIGURE_LINES, "runs"))
    runs = figure.get("runs", "a whole number >= 1", accepts=_is_count)
    return Topic(
        name=path.stem,
        labs=_texts(table, "labs", fewest=0),
        first_figure=FirstFigure(**{key: figure.line(key) for key in _FIGURE_LINES}, runs=runs),
        risks=_texts(table, "risks"),
        reading=_texts(table, "reading"),
        **{key: table.line(key) for key in _LINES},
    )


def proposal(topic: Topic) -> str:
    """Return the form of a proposal, filled in with a topic."""
    figure = topic.first_figure
    drawn = (
        f"Along x {figure.x}; along y {figure.y}; a line for each {figure.lines}. "
        f"Its {figure.runs} runs are one command in the project's folder; it goes on where it was "
        "stopped, and says with `--forecast` how long they take:"
    )
    sections = {
        "Question": topic.question,
        "Why it matters": topic.why,
        "Data": topic.data,
        "Baseline": topic.baseline,
        "First figure": f"{drawn}\n\n    {figure.command}",
        "Measure of success": topic.success,
        "Risks": _listed(topic.risks),
        "Reading": _listed(topic.reading),
        "Related work": topic.related,
        "Workload": topic.workload,
    }
    return filled(template("proposal"), sections, title=topic.title)


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _texts(table: Table, key: str, *, fewest: int = 2) -> tuple[str, ...]:
    def is_list(value: Any) -> bool:
        is_texts = isinstance(value, list) and all(isinstance(e, str) and e for e in value)
        return is_texts and len(value) >= fewest

    return tuple(table.get(key, f"a list of texts, {fewest} at least", accepts=is_list))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
