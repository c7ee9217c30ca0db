"""Rubrics of the talks: data in ``rubrics/*.toml``, as a sheet to print or to open.

A criterion has levels that describe what a listener sees or hears; the first is worth 0, the last
all points of the criterion. Nobody is judged here.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.engine import pages
from labs.engine.catalog import did_you_mean
from labs.engine.errors import LabFormatError, UsageError
from labs.engine.seminar.material import MATERIAL
from labs.engine.sweeps.toml_tables import Table

RUBRICS = MATERIAL / "rubrics"
PREFIX = "rubric-"
TALKS = ("proposal", "intermediate", "final")


@dataclass(frozen=True)
class Level:
    """One level of a criterion.

    Parameters
    ----------
    points
        It earns.
    text
        What is seen or heard.
    """

    points: int
    text: str


@dataclass(frozen=True)
class Criterion:
    """One criterion.

    Parameters
    ----------
    name
        In a word or two.
    asks
        As a question.
    levels
        From nothing to everything, points rising.
    """

    name: str
    asks: str
    levels: tuple[Level, ...]

    @property
    def points(self) -> int:
        """The most that it earns."""
        return self.levels[-1].points


@dataclass(frozen=True)
class Rubric:
    """The rubric of a talk.

    Parameters
    ----------
    title
        Of the talk.
    minutes
        It may take.
    points
        The sum over all criteria.
    note
        What a listener should know before.
    criteria
        In the order of the sheet.
    """

    title: str
    minutes: int
    points: int
    note: str
    criteria: tuple[Criterion, ...]


def find_rubric(talk: str) -> Rubric:
    """Return the rubric of a talk.

    Raises
    ------
    UsageError
        If there is no such talk; the message lists them.
    LabFormatError
        As for `read_rubric`.

    Examples
    --------
    >>> find_rubric("final").minutes
    20
    """
    if talk not in TALKS:
        hint = did_you_mean(talk, TALKS)
        raise UsageError(f"no rubric {talk!r}{hint} (known: {', '.join(TALKS)})")
    return read_rubric(RUBRICS / f"{talk}.toml")


def read_rubric(path: Path) -> Rubric:
    """Return the rubric in a file.

    Parameters
    ----------
    path
        Of the file, one that an organiser changed included.

    Raises
    ------
    LabFormatError
        If it is not as documented, levels do not rise from 0, or the points do not add up.
    """
    try:
        table = Table(tomllib.loads(path.read_text(encoding="utf-8")), path)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise LabFormatError(f"{path} cannot be read as TOML: {err}; correct it") from err
    table.check_keys(("title", "minutes", "points", "note", "criteria"))
    criteria = tuple(_criterion(each) for each in table.listed("criteria"))
    points, total = _count(table, "points"), sum(each.points for each in criteria)
    if points != total:
        raise table.refused("points", f"{points}, and the criteria add up to {total}; change one")
    minutes = _count(table, "minutes")
    return Rubric(table.line("title"), minutes, points, table.line("note"), criteria)


def as_markdown(rubric: Rubric) -> str:
    """Return a rubric as Markdown: a table a criterion, with a box to mark before each level."""
    return "\n".join(_markdown(rubric)) + "\n"


def as_page(rubric: Rubric) -> str:
    """Return a rubric as a page to print, which needs nothing else."""
    said = f"{rubric.minutes} minutes, {rubric.points} points"
    header = ("Criterion", "#Points", "What is seen and heard")
    rows = [_rows(each) for each in rubric.criteria]
    body = [row for each in rows for row in each]
    blank = "_" * 24
    lines = (
        f"Speakers: {blank} Listener: {blank}",
        f"Points of {rubric.points}: {blank[:8]} One thing to keep: {blank}",
        f"One thing to change: {blank}",
    )
    return pages.page(
        rubric.title,
        pages.element("h1", rubric.title),
        pages.element("p", said, class_="kicker"),
        pages.element("p", rubric.note),
        pages.table(header, body, caption="Mark one level of each criterion."),
        *(pages.element("p", each) for each in lines),
    )


def _rows(criterion: Criterion) -> Iterator[list[pages.Markup]]:
    name = pages.element(
        "th",
        criterion.name,
        pages.element("br"),
        pages.element("small", criterion.asks),
        scope="row",
        rowspan=str(len(criterion.levels)),
    )
    for index, level in enumerate(criterion.levels):
        points = pages.cell(f"\N{WHITE SQUARE} {level.points}", is_number=True)
        yield [*([] if index else [name]), points, pages.cell(level.text)]


def _markdown(rubric: Rubric) -> Iterator[str]:
    yield f"# {rubric.title}"
    yield ""
    yield f"{rubric.minutes} minutes, {rubric.points} points. {rubric.note}"
    yield ""
    yield "Speakers: ________________________  Listener: ________________________"
    for criterion in rubric.criteria:
        yield ""
        yield f"## {criterion.name} ({criterion.points} points)"
        yield ""
        yield criterion.asks
        yield ""
        yield "| mark | points | what is seen and heard |"
        yield "|---|---|---|"
        for level in criterion.levels:
            yield f"| \N{WHITE SQUARE} | {level.points} | {level.text} |"
    yield ""
    yield f"Points of {rubric.points}: ____"
    yield ""
    yield "One thing to keep: ________________________"
    yield ""
    yield "One thing to change: ________________________"


def _criterion(table: Table) -> Criterion:
    table.check_keys(("name", "asks", "levels"))
    levels = tuple(_level(each) for each in table.listed("levels"))
    points = [level.points for level in levels]
    if len(points) < 2 or points[0] != 0 or points != sorted(set(points)):
        raise table.refused("levels", f"points {points} do not rise from 0; put them in order")
    return Criterion(table.line("name"), table.line("asks"), levels)


def _level(table: Table) -> Level:
    table.check_keys(("points", "text"))
    return Level(_count(table, "points"), table.line("text"))


def _count(table: Table, key: str) -> int:
    return int(table.get(key, "a whole number >= 0", accepts=_is_count))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
