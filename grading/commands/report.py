"""``course report``: what came of a graded lab, as a table and as a page."""

import argparse
import dataclasses
import logging
import sys
from pathlib import Path
from typing import Any

from course_utils.records import write_atomically
from grading.commands.parsers import add_command
from grading.course import Course

_log = logging.getLogger("grading")

REPORT = "report.html"
_EXAMPLES = """\
course report results/quickstart      print the table, write results/quickstart/report.html
"""


def add(commands: Any) -> None:
    """Add ``report``."""
    report = add_command(
        commands,
        "report",
        text="show what came of a graded lab",
        about="Print a table of all submissions of a graded lab and what needs a person, and write "
        "it as a page, report.html, with the distribution of points and the walls in force. "
        "Students appear under their pseudonyms.",
        examples=_EXAMPLES,
        run=_run,
    )
    report.add_argument(
        "folder",
        metavar="DIR",
        type=Path,
        help="folder that course grade wrote: it holds grades.db",
    )


def _run(options: argparse.Namespace, course: Course) -> int:
    # Late, because intervals need scipy and most commands do not.
    from grading.assessing.score import score, with_marks  # noqa: PLC0415
    from grading.results.outputs import Graded, report_row  # noqa: PLC0415
    from grading.results.report import report_html, report_text  # noqa: PLC0415
    from grading.store import Store  # noqa: PLC0415

    with Store(options.folder, is_writer=False) as store:
        lab = course.lab(store.fact("lab") or "")
        graded = store.keys()
        entries = [store.entry(name) for name in store.present() if name in graded]
    lab = dataclasses.replace(lab, exercises={each.id: each for each in course.exercises(lab)})
    max_total = float(course.max_points(lab))
    rows = []
    for entry in entries:
        verdict = with_marks(entry.assessment.verdict, entry.marks)
        found = score(verdict, max_total=max_total, late=entry.late, rounding=course.rounding)
        rows.append(report_row(Graded(verdict, found)))
    sys.stdout.write(report_text(lab, rows))
    page = report_html(lab, rows, release=course.release(lab))
    _log.info("wrote %s", write_atomically(options.folder / REPORT, page))
    return 0
