"""``course grade``: grades all submissions of a lab."""

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grading.assessing.batch import PLACE, Order, Outcome, Roll, grade_all, survey
from grading.assessing.cluster import Cluster
from grading.assessing.keys import Settings
from grading.assessing.progress import ProgressLine
from grading.assessing.workers import LocalWorkers
from grading.commands.parsers import add_command
from grading.course import Course
from grading.moodle.collection import WORKSHEET, is_collection
from grading.moodle.identities import IDENTITIES, Identity, read_identities
from grading.moodle.worksheet import WorksheetRow, read_worksheet
from grading.results.outputs import FEEDBACK, GRADES, REPORT, Graded, report_row, write_outputs
from grading.results.report import report_text
from grading.rules.late_roll import keep, late_roll
from grading.store import DATABASE, Handed, Store
from grading.submissions import read_submissions
from labs.engine.catalog import DEFAULT, Lab, did_you_mean
from labs.engine.errors import UsageError
from labs.engine.extras import require_extras
from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.limits import Limits
from labs.engine.sandbox.view import OF_THE_PROJECT

INTERRUPTED = 130  # what a shell gives for Ctrl-C
_MOST_JOBS = 8  # by default; each takes some hundred megabytes
_log = logging.getLogger("grading")

_EXAMPLES = """\
course grade quickstart collected -o grades             continues where it was, grades what changed
course grade quickstart submissions.zip -o grades --jobs 4
course grade quickstart collected -o grades --only s3fk2 one submission
course grade quickstart collected -o grades --scheduler tls://node7:8786
"""


def add(commands: Any) -> None:
    """Add ``grade``."""
    command = add_command(
        commands,
        "grade",
        text="grade the submissions of a lab",
        about="Grade every submission of a lab behind walls, and write grades.csv, report.html and "
        "a page of feedback for each. Given again, the command goes on where it was, and grades "
        "only what is new or depends on something that changed.",
        examples=_EXAMPLES,
        run=_run,
    )
    command.add_argument("lab", metavar="LAB", help="name of a lab")
    command.add_argument(
        "submissions",
        metavar="SUBMISSIONS",
        type=Path,
        help="Moodle's zip, a collected folder, or a folder with one folder or .ipynb a submission",
    )
    command.add_argument(
        "-o", dest="output", metavar="DIR", type=Path, required=True, help="folder of the grades"
    )
    command.add_argument(
        "--jobs", metavar="N", type=int, help="processes that grade; as many as cores without it"
    )
    command.add_argument(
        "--scheduler",
        metavar="ADDR",
        help="grade on the Dask cluster of this scheduler, as tls://HOST:PORT, in place of here",
    )
    command.add_argument(
        "--trust-network",
        action="store_true",
        help="accept a scheduler elsewhere without encryption: anyone on the way can read and "
        "change submissions and grades",
    )
    command.add_argument("--only", metavar="ID", help="grade this submission alone")
    command.add_argument(
        "--preset", metavar="NAME", default=DEFAULT, help="preset of the lab for its parameters"
    )
    command.add_argument(
        "--trust-submissions",
        action="store_true",
        help="where there are no walls, run student code all the same: it can do whatever you can",
    )


def _run(options: argparse.Namespace, course: Course) -> int:
    lab = course.lab(options.lab)
    settings = _settings(options, course, lab)
    _check_places(course, options.submissions, options.output)
    _check_output(options.output)
    submissions = read_submissions(
        options.submissions, lab=lab, secret=course.read_or_create_secret()
    )
    identities, rows = _people(options.submissions)
    jobs = options.jobs or min(_MOST_JOBS, _cores())
    line = ProgressLine(sys.stderr)
    with _executor(options, jobs) as executor, Store(options.output) as store:
        handed = survey(submissions)
        _check_present(store, options.submissions, handed)
        roll = late_roll(course, lab, handed=handed, identities=identities, rows=rows)
        for warning in roll.warnings:
            _log.warning("%s", warning)
        store.put_facts({PLACE: str(options.submissions.resolve())})
        try:
            outcome = grade_all(
                store,
                Order(course, lab, settings, only=options.only, jobs=jobs),
                roll=Roll(submissions, handed, roll.late),
                executor=executor,
                progress=line,
            )
        except KeyboardInterrupt:
            line.close()
            _log.error("stopped; what is graded is kept, and the same command goes on from there")
            return INTERRUPTED
        line.close()
        keep(roll, course=course, lab=lab)
        graded = write_outputs(store, course=course, lab=lab, identities=identities)
    _tell(options.output, lab, graded)
    return _code(outcome)


def _executor(options: argparse.Namespace, jobs: int) -> Cluster | LocalWorkers:
    if options.scheduler is None:
        return LocalWorkers(jobs)
    return Cluster(
        options.scheduler,
        trust_network=options.trust_network,
        trust_submissions=options.trust_submissions,
    )


def _settings(options: argparse.Namespace, course: Course, lab: Lab) -> Settings:
    """Return how to grade, or refuse what cannot be."""
    require_extras(lab.extras, needed_by=f"grading lab {lab.name}")
    if options.jobs is not None and options.jobs < 1:
        raise UsageError(f"--jobs {options.jobs}: give a number >= 1")
    if options.preset not in lab.presets:
        hint = did_you_mean(options.preset, lab.presets)
        raise UsageError(
            f"lab {lab.name} has no preset {options.preset!r}{hint} "
            f"(presets: {', '.join(lab.presets)})"
        )
    is_here = options.scheduler is None
    if is_here and not options.trust_submissions and (reason := walls_missing()):
        raise UsageError(
            f"student code cannot be kept behind walls here: {reason}. Grade in the container that "
            "docs/security.md describes, or give --trust-submissions if you would run every "
            "submission yourself"
        )
    chosen = tuple(exercise.id for exercise in course.exercises(lab))
    return Settings(chosen, options.preset, Limits(), is_trusted=options.trust_submissions)


def _check_places(course: Course, *places: Path) -> None:
    """Refuse to keep what student code must not read where student code can read."""
    for place in (*places, course.answers, course.state):
        for name in OF_THE_PROJECT:
            if place.resolve().is_relative_to(course.root / name):
                raise UsageError(
                    f"{place} lies in {name}/, which student code can read; choose a place outside"
                )


def _check_output(folder: Path) -> None:
    """Refuse a folder in which something else lies: its files would be taken for ours."""
    is_other = folder.is_dir() and any(folder.iterdir()) and not (folder / DATABASE).exists()
    if folder.exists() and (is_other or not folder.is_dir()):
        raise UsageError(f"{folder} is no folder of grades; give a new one to -o")


def _check_present(store: Store, place: Path, handed: Sequence[Handed]) -> None:
    """Refuse to take everything away because a wrong folder was named."""
    if not handed and store.present():
        raise UsageError(
            f"{place} holds no submission, and {store.folder} has grades of "
            f"{len(store.present())}; give the folder that holds the submissions"
        )


def _people(place: Path) -> tuple[Mapping[str, Identity], tuple[WorksheetRow, ...]]:
    """Return who is behind the submissions of a collected folder, and its worksheet's rows."""
    if not (place.is_dir() and is_collection(place)):
        return {}, ()
    names, sheet = place / IDENTITIES, place / WORKSHEET
    return (
        read_identities(names) if names.is_file() else {},
        read_worksheet(sheet.read_bytes()).rows if sheet.is_file() else (),
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _tell(folder: Path, lab: Lab, graded: list[Graded]) -> None:
    print(report_text(lab, [report_row(each) for each in graded]))
    for name in (GRADES, REPORT, FEEDBACK, DATABASE):
        print(folder / name)


def _code(outcome: Outcome) -> int:
    _log.info("%d graded, %d had nothing new", outcome.graded, outcome.unchanged)
    for name in outcome.failed:
        _log.error("%s: the grader itself failed at an exercise; see its flags", name)
    return 1 if outcome.failed else 0
