"""The command ``course``: what instructors type.

Arguments, exit codes and printing are here and nowhere else: 0 all is well, 1 something is wrong
with a lab, 2 wrong usage. Standard output carries data only, standard error the progress.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from course_utils.errors import CourseUtilsError
from grading import build, scaffold, variants
from grading.course import Course, find_root, read_course
from grading.errors import DriftError
from labs.engine.catalog import Lab
from labs.engine.cli import Parser
from labs.engine.errors import UsageError

_log = logging.getLogger("grading")

_BUILD_EXAMPLES = """\
examples:
  course build                          build the notebooks of every lab, try its variants
  course build quickstart --execute     also run the reference and store its outputs
  course build --check                  run nothing; fail if a notebook is not what it should be
"""
_NEW_EXAMPLES = """\
example:
  course new pruning --title "Pruning a keyword spotter"
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv
        Arguments without the program's name; those of the process by default.
    """
    options = make_parser().parse_args(argv)
    _log_to_stderr()
    try:
        course = read_course(find_root())
        if options.command == "new":
            return _new(course, options.lab, title=options.title, number=options.number)
        labs = course.labs if options.lab is None else (course.lab(options.lab),)
        command = _check if options.check else _execute if options.execute else _build
        return max((_one(command, course, lab) for lab in labs), default=0)
    except UsageError as err:
        _log.error("course: %s", err)
        return 2
    except (CourseUtilsError, OSError) as err:
        _log.error("course: %s", err)
        return 1


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of every command of ``course``."""
    parser = Parser(
        prog="course",
        description="Build labs: one source a lab, two notebooks, checks that are fair.",
        epilog="example:\n  course build quickstart",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    building = commands.add_parser(
        "build",
        help="build the notebooks of a lab from its source",
        description="Build the student and the reference notebook of a lab from its source, and "
        "show that its checks are fair: correct solutions score full, mistakes and mutants lose "
        "points.",
        epilog=_BUILD_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    building.add_argument("lab", nargs="?", metavar="LAB", help="name of a lab; all without it")
    how = building.add_mutually_exclusive_group()
    how.add_argument("--execute", action="store_true", help="run the reference, store its outputs")
    how.add_argument(
        "--check", action="store_true", help="run and write nothing; exit 1 on any difference"
    )
    new = commands.add_parser(
        "new",
        help="make a new lab",
        description="Make a new lab as a copy of the quickstart, built, executed and checked.",
        epilog=_NEW_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    new.add_argument("lab", metavar="LAB", help="name of the new lab: a lower-case Python name")
    new.add_argument("--title", metavar="TEXT", help="its title; made of the name without it")
    new.add_argument("--number", metavar="N", type=int, help="its number; the lowest free one else")
    return parser


def _log_to_stderr() -> None:
    logger = logging.getLogger("grading")
    for handler in list(logger.handlers):  # standard error may be another one by now
        logger.removeHandler(handler)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


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


def _new(course: Course, name: str, *, title: str | None, number: int | None) -> int:
    new = scaffold.plan(course, name, title=title, number=number)
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
        _log.error("%s was not made: its template %s does not pass", name, new.template.name)
    else:
        _log.info("%s: edit %s next", name, course.shown(course.source(lab)))
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


if __name__ == "__main__":
    sys.exit(main())
