"""Looks for answers in files that students get: solutions, hidden checks, rubrics, variants.

What is compared are the answers of every lab, handed out or not. In notebooks and texts one line of
an answer is enough. In modules it takes a run of lines, because a line such as
``rng = np.random.default_rng(seed)`` stands in both; and what students are shown anyway, the cells
without their solution regions, is no answer. Nothing here decides what is handed out.
"""

import ast
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grading.building.regions import lines_of
from grading.building.source import Source, read_source
from grading.course import Course
from labs.engine.catalog import Lab

MIN_LINE = 16  # shorter ones, such as `return total`, mean nothing
RUN, MIN_RUN = 4, 60  # lines in a row, and their characters together
_Run = tuple[str, ...]


@dataclass(frozen=True)
class Answers:
    """What must not be handed out.

    Parameters
    ----------
    lines
        Line, white space aside -> where it stands.
    runs
        Lines in a row -> where they stand.
    """

    lines: Mapping[str, str]
    runs: Mapping[_Run, str]


def read_answers(course: Course) -> Answers:
    """Return the answers of every lab of a course that has any."""
    lines: dict[str, str] = {}
    runs: dict[_Run, str] = {}
    shown: set[str] = set()
    for lab in course.labs:
        for place, block in _blocks(course, lab):
            where = course.shown(place)
            lines |= {line: where for line in _plain(block) if len(line) >= MIN_LINE}
            runs |= dict.fromkeys(_runs(block), where)
        shown |= set(_shown(course, lab))
    return Answers({line: where for line, where in lines.items() if line not in shown}, runs)


def find_leaks(answers: Answers, files: Mapping[str, bytes]) -> list[str]:
    """Return which files hold which part of an answer, one line each.

    Parameters
    ----------
    answers
        From `read_answers`.
    files
        Path -> content of what is to be handed out; what is no text is left out.
    """
    found = []
    for path, content in sorted(files.items()):
        try:
            lines = list(_texts(path, content.decode("utf-8")))
        except UnicodeDecodeError:
            continue
        if path.endswith(".py"):
            hits = [(run[0], answers.runs[run]) for run in _runs(lines) if run in answers.runs]
        else:
            hits = [(line, answers.lines[line]) for line in _plain(lines) if line in answers.lines]
        found += [f"{path} holds {line[:60]!r} of {where}" for line, where in hits[:3]]
    return found


def _blocks(course: Course, lab: Lab) -> Iterator[tuple[Path, list[str]]]:
    """Yield the answers of a lab: lines that belong together, and the file they stand in."""
    if course.source(lab).exists():
        for cell in read_source(course.source(lab)).cells:
            yield course.source(lab), [line.text for line in lines_of(cell.text) if line.is_inside]
    rubric = course.answers / lab.name / "rubric.toml"
    if rubric.exists():
        table = tomllib.loads(rubric.read_text(encoding="utf-8"))
        yield rubric, [line for text in _strings(table) for line in text.split("\n")]
    for path in (*course.hidden(lab), *sorted(course.variants(lab).rglob("*.py"))):
        for block in _bodies(path.read_text(encoding="utf-8")):
            yield path, block


def _bodies(text: str) -> Iterator[list[str]]:
    """Yield the lines of every function: what stands around them says what is asked, not how."""
    lines = text.split("\n")
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a mistake may be one
        yield lines
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1:] if ast.get_docstring(node) else node.body
            if first:
                yield lines[first[0].lineno - 1 : node.end_lineno]


def _shown(course: Course, lab: Lab) -> Iterator[str]:
    """Yield the lines of a lab that students are shown."""
    source: Source | None = read_source(course.source(lab)) if course.source(lab).exists() else None
    for cell in source.cells if source else ():
        yield from _plain(cell.stubbed.split("\n"))


def _texts(path: str, text: str) -> Iterator[str]:
    """Yield the lines of a file; those of a notebook from all its texts, outputs too."""
    if path.endswith((".ipynb", ".json")):
        try:
            for each in _strings(json.loads(text)):
                yield from each.split("\n")
        except (ValueError, RecursionError):
            pass
        else:
            return
    yield from text.split("\n")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _plain(lines: list[str]) -> Iterator[str]:
    """Yield lines with single spaces and no comment mark, blank ones left out."""
    plain = (" ".join(line.split()).removeprefix("# ") for line in lines)
    return (line for line in plain if line)


def _runs(lines: list[str]) -> Iterator[_Run]:
    plain = list(_plain(lines))
    for start in range(len(plain) - RUN + 1):
        run = tuple(plain[start : start + RUN])
        if sum(map(len, run)) >= MIN_RUN:
            yield run
