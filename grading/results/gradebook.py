"""The table of grades: ``grades.csv``, one row a person, safe to open in a spreadsheet.

Its columns are ``submission,name,status,late_days,total,max_total`` and one an exercise. A text
that is still to be marked is an empty cell, and so are late days that nobody knows. Fields are
quoted as RFC 4180 says, lines end with LF, the encoding is UTF-8.

Names, file names and ids are other people's text, and spreadsheets run a cell that begins like a
formula. Such a cell gets an apostrophe in front, also behind a semicolon, where a spreadsheet set
to German begins the next cell. Numbers are written by us and stay numbers. Nothing is graded here.
"""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from course_utils.records import write_atomically
from grading.errors import GradingError
from grading.private_files import write_private
from grading.verdict import SubmissionStatus, Verdict
from labs.engine.pages import number
from labs.engine.spreadsheets import safe_cell

HEADER = ("submission", "name", "status", "late_days", "total", "max_total")


@dataclass(frozen=True)
class GradeRow:
    """The grades of one submission; who handed it in is joined when the table is written.

    Parameters
    ----------
    submission
        Its pseudonym.
    status
        One of `SubmissionStatus`.
    total
        Points given so far, after the late rule; None leaves the cell empty.
    max_total
        All points of the lab.
    points
        Exercise -> points, None for what is still to be marked.
    late_days
        Days late; None if unknown.
    """

    submission: str
    status: SubmissionStatus
    total: float | None
    max_total: float
    points: Mapping[str, float | None]
    late_days: float | None = None


def grade_row(
    verdict: Verdict,
    *,
    total: float | None,
    max_total: float,
    late_days: float | None = None,
) -> GradeRow:
    """Return the row of a verdict.

    Parameters
    ----------
    verdict
        What came of the submission.
    total, max_total
        Points given so far after the late rule, and all points of the lab.
    late_days
        Days late; None if unknown.
    """
    points = {each.exercise: each.points for each in verdict.exercises}
    return GradeRow(verdict.submission, verdict.status, total, max_total, points, late_days)


def write_grades(
    path: str | Path,
    rows: Sequence[GradeRow],
    *,
    exercises: Sequence[str],
    identities: Mapping[str, Sequence[str]] | None = None,
) -> Path:
    """Write the table of grades, whole or not at all, and return its path.

    Parameters
    ----------
    path
        The file; for its owner alone if it holds names.
    rows
        One a submission, in any order.
    exercises
        Ids of the exercises, in the order of their columns.
    identities
        Submission -> names of its people; a team gets a row for each of them. A submission that is
        not there has an empty name.

    Raises
    ------
    GradingError
        If a number is not finite.
    OSError
        If the folder cannot be written; nothing is left behind.
    """
    text = grades_text(rows, exercises=exercises, identities=identities)
    if not identities:
        return write_atomically(path, text)
    write_private(Path(path), text.encode("utf-8"))
    return Path(path)


def grades_text(
    rows: Iterable[GradeRow],
    *,
    exercises: Sequence[str],
    identities: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Return the table of grades as text; arguments as of `write_grades`.

    Examples
    --------
    >>> row = GradeRow("s1", "needs_marking", 6.5, 10, {"0.1": 4.0, "0.2": 2.5, "0.3": None})
    >>> team = {"s1": ["Jörg Müller", "=1+1"]}
    >>> print(grades_text([row], exercises=["0.1", "0.2", "0.3"], identities=team), end="")
    submission,name,status,late_days,total,max_total,0.1,0.2,0.3
    s1,'=1+1,needs_marking,,6.5,10,4,2.5,
    s1,Jörg Müller,needs_marking,,6.5,10,4,2.5,
    """
    names = identities or {}
    lines = sorted(
        (
            (row.submission, name, row)
            for row in rows
            for name in (list(names.get(row.submission, ())) or [""])
        ),
        key=lambda each: each[:2],
    )
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*HEADER, *map(safe_cell, exercises)])
    for submission, name, row in lines:
        numbers = (row.late_days, row.total, row.max_total, *map(row.points.get, exercises))
        late_days, total, max_total, *points = (_number(value, row) for value in numbers)
        texts = (safe_cell(each) for each in (submission, name, row.status))
        writer.writerow([*texts, late_days, total, max_total, *points])
    return file.getvalue()


def _number(value: float | None, row: GradeRow) -> str:
    if value is not None and not math.isfinite(value):
        raise GradingError(f"{row.submission} has {value} points; points are finite numbers")
    return number(value)
