"""``course collect``: from Moodle's download to a folder of pseudonyms."""

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grading.commands.parsers import add_command
from grading.course import Course
from grading.errors import WorksheetError
from grading.moodle.collection import WORKSHEET
from grading.moodle.file_names import shown
from grading.moodle.intake import Intake, Sheet, collect
from grading.moodle.worksheet import read_worksheet
from labs.engine.catalog import Lab
from labs.engine.errors import UsageError

_log = logging.getLogger("grading")

_EXAMPLES = """\
course collect quickstart download.zip --worksheet Grades.csv -o collected
course grade quickstart collected -o graded          the next step
"""


def add(commands: Any) -> None:
    """Add ``collect``."""
    parser = add_command(
        commands,
        "collect",
        text="collect Moodle's download of what was handed in",
        about="Take Moodle's 'Download all submissions' apart, safely: one notebook a submission, "
        "under a pseudonym. Names stay in one file that only you can read. The same command with "
        "a newer download updates the folder.",
        examples=_EXAMPLES,
        run=_run,
    )
    parser.add_argument("lab", metavar="LAB", help="name of the lab")
    parser.add_argument("download", metavar="DOWNLOAD.zip", type=Path, help="Moodle's zip")
    parser.add_argument(
        "--worksheet",
        metavar="W.csv",
        type=Path,
        help="Moodle's grading worksheet; without one the one collected before, else lateness is "
        "unknown and nobody is missing",
    )
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="where to")


def _run(options: argparse.Namespace, course: Course) -> int:
    lab = course.lab(options.lab)
    for path in (options.download, options.worksheet):
        if path is not None and not path.is_file():
            raise UsageError(f"{path} is no file")
    found = collect(
        lab,
        options.download,
        output=options.output,
        secret=course.read_or_create_secret(),
        sheet=_sheet(options, course),
    )
    for line in lines(found, lab):
        print(line)
    for item in found.leftovers:
        _log.warning("left over: %s %s", shown(item.path), item.reason)
    for key in found.kept:
        _log.warning("%s: kept as it was collected before, the download has nothing newer", key)
    _log.info("%s: collected into %s", lab.name, options.output)
    return 0


def _sheet(options: argparse.Namespace, course: Course) -> Sheet | None:
    """Return the worksheet given, else the one that lies in the folder."""
    path = options.worksheet or options.output / WORKSHEET
    if not path.is_file():
        _log.warning("no worksheet: lateness is unknown, and who handed in nothing is not listed")
        return None
    content = path.read_bytes()
    try:
        return Sheet(content, read_worksheet(content).rows, course.zone)
    except WorksheetError as err:
        raise UsageError(f"{path}: {err}") from err


def lines(found: Intake, lab: Lab) -> Iterator[str]:
    """Yield the table of what was collected: the counts, who was refused and why, the notes.

    Parameters
    ----------
    found
        What came of the collection.
    lab
        The lab.
    """
    records = [found.collection.records[key] for key in sorted(found.collection.records)]
    missing = [record for record in records if record.is_missing]
    refused = [record for record in records if record.problem and not record.is_missing]
    noted = [(record.id, note) for record in records for note in record.notes]
    counts = {
        "to grade": len(records) - len(missing) - len(refused),
        "refused": len(refused),
        "missing": len(missing),
        "left over": len(found.leftovers),
    }
    yield f"{lab.name}: " + ", ".join(f"{count} {what}" for what, count in counts.items())
    for record in refused:
        yield f"refused  {record.id}  {record.problem}"
    for key, note in noted:
        yield f"note     {key}  {note}"
