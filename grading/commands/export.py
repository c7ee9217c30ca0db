"""``course export``: grades and feedback back to Moodle."""

import argparse
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from grading.assessing.batch import LAB
from grading.assessing.score import score, with_marks
from grading.commands.parsers import add_command
from grading.course import Course
from grading.errors import ExportError, WorksheetError
from grading.moodle.collection import WORKSHEET, is_collection, read_collection
from grading.moodle.export import FEEDBACK_FILE, Collected, Graded, export
from grading.moodle.identities import IDENTITIES, read_identities
from grading.private_files import make_private_folder, write_private
from grading.store import Store
from grading.submissions import read_submissions
from labs.engine.catalog import Lab
from labs.engine.errors import UsageError

_log = logging.getLogger("grading")
GRADED_WORKSHEET, FEEDBACK_ZIP = "worksheet_graded.csv", "feedback.zip"

_EXAMPLES = """\
course export quickstart graded --collection collected -o to_moodle
course export quickstart graded --collection collected --partial -o to_moodle
"""


def add(commands: Any) -> None:
    """Add ``export``."""
    parser = add_command(
        commands,
        "export",
        text="write the worksheet and the feedback that go back to Moodle",
        about="Write grades into Moodle's worksheet, in which nothing else changes, and zip the "
        "feedback under the names that Moodle expects. Nothing goes out while a text is unmarked, "
        "a flag is open, or it is not certain whose a grade is.",
        examples=_EXAMPLES,
        run=_run,
    )
    parser.add_argument("lab", metavar="LAB", help="name of the lab")
    parser.add_argument("grades", metavar="DIR", type=Path, help="what course grade wrote")
    parser.add_argument(
        "--collection",
        metavar="DIR",
        type=Path,
        required=True,
        help="what course collect wrote: who is behind the pseudonyms",
    )
    parser.add_argument(
        "--worksheet",
        metavar="W.csv",
        type=Path,
        help="Moodle's grading worksheet; the one that was collected without this",
    )
    parser.add_argument(
        "--partial",
        action="store_true",
        help="leave out what cannot go out yet; its rows stay as they are",
    )
    parser.add_argument(
        "--rescale",
        action="store_true",
        help="scale points to the maximum grade of the worksheet where it is not the lab's",
    )
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="where to")


def _run(options: argparse.Namespace, course: Course) -> int:
    lab = course.lab(options.lab)
    with Store(options.grades, is_writer=False) as store:
        if (held := store.fact(LAB)) not in (None, lab.name):
            raise UsageError(f"{options.grades} holds the grades of {held}, not of {lab.name}")
        collected = _collected(options, lab, digests=_digests(store))
        graded = list(_graded(store, course, lab))
    try:
        found = export(
            graded,
            collected,
            feedback=lambda name: _feedback(options.grades, name),
            is_partial=options.partial,
            is_rescaled=options.rescale,
        )
    except (ExportError, WorksheetError) as err:
        raise ExportError(f"nothing was written: {err}") from err
    make_private_folder(options.output)
    files = {FEEDBACK_ZIP: found.feedback_zip, GRADED_WORKSHEET: found.worksheet}
    for name, content in files.items():
        if content is not None:
            write_private(options.output / name, content)
            print(options.output / name)
    for line in found.left_out:
        _log.warning("left out: %s", line)
    for line in found.warnings:
        _log.warning("%s", line)
    if found.worksheet is None:
        _log.warning("no worksheet: only the feedback was written; --worksheet W.csv names one")
    _log.info("%s: people who get their grade: %d", lab.name, found.graded)
    return 0


def _digests(store: Store) -> dict[str, str]:
    """Return submission -> digest of what was graded."""
    keys, present = store.keys(), store.present()
    return {name: keys[name].digest for name in present if name in keys}


def _collected(options: argparse.Namespace, lab: Lab, *, digests: Mapping[str, str]) -> Collected:
    folder: Path = options.collection
    if not is_collection(folder):
        raise UsageError(f"{folder} is no collection; course collect makes one")
    collection = read_collection(folder)
    if collection.lab != lab.name:
        raise UsageError(f"{folder} holds what was handed in for {collection.lab}, not {lab.name}")
    path: Path = options.worksheet or folder / WORKSHEET
    if options.worksheet and not path.is_file():
        raise UsageError(f"{path} is no file")
    newest = {each.id: each.digest for each in read_submissions(folder, lab=lab)}
    return Collected(
        read_identities(folder / IDENTITIES),
        [key for key, record in collection.records.items() if not record.is_missing],
        path.read_bytes() if path.is_file() else None,
        [name for name, digest in digests.items() if newest.get(name, digest) != digest],
    )


def _graded(store: Store, course: Course, lab: Lab) -> Iterator[Graded]:
    """Yield what is stored about every submission, with the marks of a person in place."""
    for name in _digests(store):
        entry = store.entry(name)
        verdict, max_total = entry.assessment.verdict, course.max_points(lab)
        found = score(
            verdict,
            max_total=max_total,
            marks=entry.marks,
            late=entry.late,
            rounding=course.rounding,
        )
        yield Graded(
            with_marks(verdict, entry.marks),
            found.total,
            found.max_total,
            late_sentence=found.late_sentence if found.late_days else "",
        )


def _feedback(folder: Path, name: str) -> bytes:
    path = folder / "feedback" / name / FEEDBACK_FILE
    try:
        return path.read_bytes()
    except FileNotFoundError as err:
        raise ExportError(f"{path} is missing; run course grade again") from err
