"""The command ``course``: what instructors type.

Arguments, exit codes and printing are here and in `grading.commands`, nowhere else: 0 all is well,
1 something is wrong with a lab or with our own code, 2 wrong usage. Standard output carries data
only, standard error the progress.
"""

import argparse
import logging
import sys
from collections.abc import Sequence

from course_utils.errors import CourseUtilsError
from grading.commands import build, collect, export, grade, release, report, rerun
from grading.course import find_root, read_course
from grading.errors import CourseFileError, ExtensionsError
from labs.engine.cli import Parser
from labs.engine.errors import UsageError

_log = logging.getLogger("grading")
_WRONG_PLACE = (FileExistsError, NotADirectoryError, IsADirectoryError)  # a file for a folder
_COMMANDS = (build, release, collect, grade, rerun, report, export)


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
        return int(options.run(options, read_course(find_root())))
    except (UsageError, CourseFileError, ExtensionsError) as err:
        _log.error("course: %s", err)
        return 2
    except CourseUtilsError as err:
        _log.error("course: %s", err)
        return 1
    except OSError as err:
        where = f" {err.filename}" if err.filename else ""
        hint = "check the path, free space and permissions"
        _log.error("course: %s%s; %s", err.strerror or err, where, hint)
        return 2 if isinstance(err, _WRONG_PLACE) else 1


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of every command of ``course``."""
    parser = Parser(
        prog="course",
        description="Build labs, hand them out, collect and grade what comes back.",
        epilog="example:\n  course build quickstart",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in _COMMANDS:
        module.add(commands)
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


if __name__ == "__main__":
    sys.exit(main())
