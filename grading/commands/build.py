"""``course build`` and ``course new``: making labs."""

import argparse
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from course_utils.errors import CourseUtilsError
from grading.building import build, scaffold, variants
from grading.commands.parsers import add_command
from grading.course import Course
from grading.errors import DriftError
from labs.engine.catalog import Lab
from labs.engine.errors import UsageError

_log = logging.getLogger("grading")

_BUILD_EXAMPLES = """\
course build                          build the notebooks of every lab, try its variants
course build quickstart --execute     also run the reference and store its outputs
course build --check                  run nothing; fail if a notebook is not what it should be
"""


def add(commands: Any) -> None:
    """Add ``build`` and ``new``."""
    building = add_command(
        commands,
        "build",
        text="build the notebooks of a lab from its source",
        about="Build the student and the reference notebook of a lab from its source, and show "
        "that its checks are fair: correct solutions score full, mistakes and mutants lose points.",
        examples=_BUILD_EXAMPLES,
        run=_run_build,
    )
    building.add_argument("lab", nargs="?", metavar="LAB", help="name of a lab; all without it")
    how = building.add_mutually_exclusive_group()
    how.add_argument("--execute", action="store_true", help="run the reference, store its outputs")
    how.add_argument(
        "--check", action="store_true", help="run and write nothing; exit 1 on any difference"
    )
    new = add_command(
        commands,
        "new",
        text="make a new lab",
        about="Make a new lab as a copy of the quickstart, built, executed and checked.",
        examples='course new pruning --title "Pruning a keyword spotter"',
        run=_run_new,
    )
    new.add_argument(
        "lab",
        metavar="LAB",
        help="name of the new lab, a lower-case Python name; seminar/NAME puts it there",
    )
    new.add_argument("--title", metavar="TEXT", help="its title; made of the name without it")
    new.add_argument("--number", metavar="N", type=int, help="its number; the lowest free one else")


def _run_build(options: argparse.Namespace, course: Course) -> int:
    labs = course.labs if options.lab is None else (course.lab(options.lab),)
    command = _check if options.check else _execute if options.execute else _build
    return max((_one(command, course, lab) for lab in labs), default=0)


def _one(command: Callable[[Course, Lab], int], course: Course, lab: Lab) -> int:
    """Do one lab; what is wrong with it does not keep the others from their turn."""
    try:
        return command(course, lab)
    except CourseUtilsError as err:
        _log.error("course: %s", err)
        return 2 if isinstance(err, UsageError) else 1


def _build(course: Course, lab: Lab) -> int:
    built = build.build(course, lab)
    _say_written(course, lab, build.write(built))
    return _tally(built)


def _execute(course: Course, lab: Lab) -> int:
    from labs.engine import runner  # noqa: PLC0415 - only this needs papermill

    built = build.build(course, lab)
    _say_written(course, lab, build.write(built))
    code = _tally(built)
    _log.info("%s: executing the reference", lab.name)
    _say_written(course, lab, build.execute(built, runner.run))
    return code


def _check(course: Course, lab: Lab) -> int:
    try:
        build.check(build.build(course, lab))
    except DriftError as err:
        _log.error("%s", err)
        return 1
    _log.info("%s: both notebooks are what the source gives", lab.name)
    return 0


def _run_new(options: argparse.Namespace, course: Course) -> int:
    new = scaffold.plan(course, options.lab, title=options.title, number=options.number)
    lab = scaffold.create(new)
    try:
        code = _execute(course, lab) or _check(course, lab)
        if code == 0:
            scaffold.register(new)
    except BaseException:
        scaffold.remove(new)
        raise
    if code:
        scaffold.remove(new)
        _log.error("%s was not made: its template %s does not pass", options.lab, new.template.name)
    else:
        _log.info("%s: edit %s next", options.lab, course.shown(course.source(lab)))
    return code


def _tally(built: build.Built) -> int:
    """Print one line an exercise, tell what is wrong, and return the exit code."""
    tallies = variants.tally(built, report=lambda text: _log.info("%s: %s", built.lab.name, text))
    for found in tallies:
        print(found.line())
    problems = list(variants.problem_lines(tallies))
    for problem in problems:
        _log.error("%s: %s", built.lab.name, problem)
    return 1 if problems else 0


def _say_written(course: Course, lab: Lab, paths: Sequence[Path]) -> None:
    for path in paths:
        _log.info("%s: wrote %s", lab.name, course.shown(path))
    if not paths:
        _log.info("%s: both notebooks are as built before", lab.name)
