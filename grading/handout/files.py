"""The files that students get, made for them: README, Makefile, titles and deadlines.

Everything else in a handout is a copy (`grading.handout.release`). The README is `handout.md` with
the labs that are handed out, followed by the sections of the repository's README that concern
everyone. The Makefile keeps the verbs that work without tests and answers.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from grading.course import Course
from labs.engine.catalog import Lab

TEMPLATE = Path(__file__).with_name("handout.md")
SECTIONS = ("What measures what", "Hardware", "Data", "Words", "Licence and citing")
VERBS = ("help", "lab", "clean")


def readme(course: Course, lab: Lab, *, labs: Sequence[Lab]) -> str:
    """Return the README of a handout.

    Parameters
    ----------
    course
        The course.
    lab
        The lab that is handed out.
    labs
        All labs of the handout.
    """
    template = TEMPLATE.read_text(encoding="utf-8")
    text = template.format(
        title=course.title, lab=lab.name, labs="\n".join(_table(course, labs))
    ).rstrip("\n")
    own = (course.root / "README.md").read_text(encoding="utf-8")
    return "\n\n".join([text, *_sections(own)]) + "\n"


def makefile(text: str) -> str:
    """Return a Makefile with the verbs that students need, and what these need.

    Parameters
    ----------
    text
        The repository's Makefile: blocks separated by blank lines.
    """
    kept = []
    for block in re.split(r"\n\n+", text.rstrip("\n")):
        verb = re.search(r"^([a-z]+):", block, re.MULTILINE)
        if block.startswith(("define ", ".PHONY")) or (verb and verb[1] not in VERBS):
            continue
        kept.append(block)
    phony = f".PHONY: {' '.join(VERBS)}"
    lines = "\n\n".join([*kept, phony]).split("\n")
    return "\n".join(_fitting(line) for line in lines if not _is_for_tests(line)) + "\n"


def course_dates(course: Course, labs: Sequence[Lab]) -> str:
    """Return ``course_dates.toml``: titles and deadlines, for students and for programs.

    Parameters
    ----------
    course
        The course.
    labs
        All labs of the handout.
    """
    return "\n".join(_dates(course, labs)) + "\n"


def _dates(course: Course, labs: Sequence[Lab]) -> Iterator[str]:
    yield "# Titles and deadlines of this handout, made from the instructors' file."
    yield f"title = {_quoted(course.title)}"
    for lab in labs:
        yield ""
        yield f"[labs.{lab.name}]"
        yield f"title = {_quoted(lab.title)}"
        yield f"points = {course.max_points(lab)}"
        yield f"release = {_quoted(course.release(lab))}"
        if (deadline := course.deadline(lab)) is not None:
            yield f"deadline = {deadline.isoformat()}"
        exercises = course.exercises(lab)
        if len(exercises) < len(lab.exercises):
            yield f"exercises = [{', '.join(_quoted(each.id) for each in exercises)}]"


def _quoted(text: str) -> str:
    """Return a text as TOML writes it: JSON's quotes are among its own."""
    return json.dumps(text, ensure_ascii=False)


def _table(course: Course, labs: Sequence[Lab]) -> Iterator[str]:
    yield "| lab | what it is | time | points | due |"
    yield "|---|---|---|---|---|"
    for lab in labs:
        deadline = course.deadline(lab)
        due = f"{deadline:%Y-%m-%d %H:%M} ({course.zone})" if deadline else ""
        points = course.max_points(lab)
        yield f"| `{lab.name}` | {lab.title} | {lab.minutes} min | {points} | {due} |"
        chosen = [each.id for each in course.exercises(lab)]
        if len(chosen) < len(lab.exercises):
            yield f"| | of this lab count: {', '.join(chosen)} | | | |"


def _sections(text: str) -> Iterator[str]:
    """Yield the sections of a README that concern everyone, in its order."""
    for section in re.split(r"(?m)^(?=## )", text)[1:]:
        if section.partition("\n")[0].removeprefix("## ").strip() in SECTIONS:
            yield section.rstrip("\n")


def _is_for_tests(line: str) -> bool:
    is_hint = line.startswith("\t@echo") and bool(re.search(r"\bJOBS=|\btest\b", line))
    return is_hint or line.startswith(("PYTEST ", "JOBS "))


def _fitting(line: str) -> str:
    """Return a line without the folders that a handout does not have."""
    if line.startswith("\tfind "):
        return re.sub(r" (?:grading|tests)\b", "", line)
    return line
