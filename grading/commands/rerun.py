"""``course rerun``: runs one submission again with other parameters, to look at."""

import argparse
import json
import logging
from pathlib import Path
from typing import Any

from grading.assessing import rerun
from grading.assessing.batch import PLACE
from grading.commands.parsers import add_command
from grading.course import Course
from grading.store import Store
from grading.submissions import Submission, read_submissions
from labs.engine.catalog import Lab, did_you_mean
from labs.engine.errors import UsageError
from labs.engine.sandbox.confine import walls_missing
from labs.engine.shown import one_line

RERUNS = "reruns"  # the folder in that of the grades
_log = logging.getLogger("grading")

_EXAMPLES = """\
course rerun quickstart s3fk2 -p width 16 -o grades     DIR is the folder of `course grade`
"""


def add(commands: Any) -> None:
    """Add ``rerun``."""
    command = add_command(
        commands,
        "rerun",
        text="run a submission with other parameters",
        about="Run one submission again with other parameters, through papermill and behind walls. "
        "The notebook and the record of the run go into DIR/reruns/ID; no grade changes.",
        examples=_EXAMPLES,
        run=_run,
    )
    command.add_argument("lab", metavar="LAB", help="name of a lab")
    command.add_argument("submission", metavar="ID", help="id of a submission, as in grades.csv")
    command.add_argument(
        "-p",
        dest="parameters",
        metavar=("NAME", "VALUE"),
        nargs=2,
        action="append",
        default=[],
        help="set a parameter of the lab; may be given several times",
    )
    command.add_argument(
        "-o",
        dest="output",
        metavar="DIR",
        type=Path,
        required=True,
        help="the folder of `course grade`, which knows where the submissions are",
    )
    command.add_argument(
        "--trust-submissions",
        action="store_true",
        help="where there are no walls, run it as your own code",
    )


def _run(options: argparse.Namespace, course: Course) -> int:
    lab = course.lab(options.lab)
    if not options.trust_submissions and (reason := walls_missing()):
        raise UsageError(
            f"student code cannot be kept behind walls here: {reason}; give --trust-submissions if "
            "you would run this submission yourself"
        )
    submission = _submission(options, course, lab)
    target = options.output / RERUNS / submission.id / f"{_name(options.parameters)}.ipynb"
    record = rerun.rerun(
        lab,
        submission,
        parameters=dict(options.parameters),
        output=target,
        is_trusted=options.trust_submissions,
    )
    print(json.dumps({key: record[key] for key in ("parameters", "status", "results")}, indent=2))
    print(target)
    if "error" in record["provenance"]:
        error = record["provenance"]["error"]
        # A student's own words, on the terminal of who grades: one line, nothing that acts on it.
        name, message = one_line(error["name"]), one_line(error["message"], limit=500)
        _log.error("%s: %s: %s", submission.id, name, message)
    return 0


def _submission(options: argparse.Namespace, course: Course, lab: Lab) -> Submission:
    """Return the submission, from where the grades say that it is."""
    with Store(options.output, is_writer=False) as store:
        place = store.fact(PLACE)
    if place is None:
        raise UsageError(f"{options.output} does not say where submissions are; grade them first")
    found = read_submissions(place, lab=lab, secret=course.read_or_create_secret())
    if options.submission not in found.ids:
        hint = did_you_mean(options.submission, found.ids)
        raise UsageError(f"no submission {options.submission!r}{hint} in {place}")
    return found.load(options.submission)


def _name(parameters: list[list[str]]) -> str:
    """Return a name for the files of a run, from its parameters.

    Examples
    --------
    >>> _name([["width", "16"], ["data", "../x y"]]), _name([])
    ('width-16_data-x-y', 'as-handed-in')
    """
    words = ("-".join(part for part in pair) for pair in parameters)
    plain = ("".join(c if c.isalnum() else " " for c in word).split() for word in words)
    return "_".join("-".join(parts) for parts in plain)[:100] or "as-handed-in"
