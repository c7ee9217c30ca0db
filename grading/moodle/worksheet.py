"""Moodle's grading worksheet: reads it, and writes grades and feedback into it.

Columns are found by their headers, in English and German; other columns are kept and ignored. In
other languages the column of the identifier is known, which is enough to tell submissions apart,
and a grade is not written. Writing changes the cells of grade and feedback comments only: every
other byte stays as it was, because Moodle compares them when the file comes back.

No name leaves this module for a message: messages name line and Moodle's number.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from grading.errors import WorksheetError
from grading.moodle.csv_cells import Cell, Row, read_header, read_rows, replaced, without_formula
from grading.moodle.dates import read_date, read_extension

MAX_FEEDBACK = 4_000  # characters of a feedback comment, before it is escaped
_SEPARATORS = (",", ";", "\t")
_REMEDY = "download the worksheet again, with Moodle's language set to English or German"
_HEADERS = {
    "identifier": (
        "identifier",
        "id",
        "identifiant",
        "identificador",
        "identificativo",
        "identifikatzailea",
        "identificatie",
    ),
    "name": ("full name", "vollständiger name"),
    "email": ("email address", "e-mail-adresse", "email", "e-mail"),
    "id_number": ("id number", "id-nummer", "matrikelnummer"),
    "status": ("status",),
    "group": ("group", "gruppe"),
    "grade": ("grade", "bewertung"),
    "maximum": ("maximum grade", "bestwertung"),
    "scale": ("scale", "skala"),
    "changeable": ("grade can be changed", "bewertung kann geändert werden"),
    "submitted": ("last modified (submission)", "zuletzt geändert (abgabe)"),
    "feedback": ("feedback comments", "feedback als kommentar"),
}
_DECIDING = ("identifier", "status", "grade", "maximum", "scale", "submitted", "feedback")
_NUMBER = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,9})?")
_YES = ("yes", "ja", "")


@dataclass(frozen=True)
class WorksheetRow:
    """One row: one student, also where teams hand in.

    Parameters
    ----------
    number
        The number in Moodle's identifier; it stands in the name of the submission's folder, too.
    name, status, group, email, id_number
        As the worksheet has them; empty where it has no such column.
    submitted
        When it was handed in, on the wall clock of the person who downloaded the worksheet; None
        if nothing was, or the worksheet does not say.
    fields
        Header -> text of every cell.
    line
        The line in which the row begins.
    """

    number: int
    name: str
    status: str
    group: str
    email: str
    id_number: str
    submitted: datetime | None
    fields: Mapping[str, str]
    line: int

    @property
    def extension(self) -> str | None:
        """Until when Moodle granted an extension, as the column Status says; None without one."""
        return read_extension(self.status)


@dataclass(frozen=True)
class Worksheet:
    """A worksheet that was read.

    Parameters
    ----------
    rows
        Its rows, in order.
    columns
        What we know a column as -> its place, from 0.
    separator
        What stands between cells.
    """

    rows: tuple[WorksheetRow, ...]
    columns: Mapping[str, int]
    separator: str

    def by_number(self) -> dict[int, WorksheetRow]:
        """Return the rows by Moodle's number."""
        return {row.number: row for row in self.rows}


@dataclass(frozen=True)
class Mark:
    """What is written into one row.

    Parameters
    ----------
    points
        The grade, 0 to the maximum grade of the worksheet.
    feedback
        Plain text of the feedback comment; it is escaped and capped here.
    """

    points: Decimal
    feedback: str


def read_worksheet(content: bytes) -> Worksheet:
    """Return what a worksheet says.

    Raises
    ------
    WorksheetError
        If it is no worksheet, a column that is needed is there twice, a row has no number or that
        of another, or a date can be read in two ways; the message names the line.
    """
    rows, columns, separator = _table(content)
    headers = rows[0].texts
    found = []
    for row in rows[1:]:
        if len(row.cells) != len(headers):
            raise WorksheetError(
                f"line {row.line}: {len(row.cells)} cells, the header has {len(headers)}; "
                "download the worksheet again"
            )
        found.append(_read_row(row, headers, columns))
    numbers: dict[int, int] = {}
    for each in found:
        if each.number in numbers:
            raise WorksheetError(
                f"line {each.line}: number {each.number} is that of line {numbers[each.number]}; "
                "download the worksheet again"
            )
        numbers[each.number] = each.line
    return Worksheet(tuple(found), columns, separator)


def maximum_grade(content: bytes) -> Decimal:
    """Return the maximum grade of the assignment.

    Raises
    ------
    WorksheetError
        If there is none, it is a scale, or rows differ in it.
    """
    rows, columns, _ = _table(content)
    return _maximum(rows, columns)[0]


def with_grades(content: bytes, marks: Mapping[int, Mark]) -> bytes:
    """Return a worksheet with other grades and feedback comments in some rows.

    Parameters
    ----------
    content
        The worksheet as downloaded.
    marks
        Moodle's number -> what to write. Rows without a mark stay as they are.

    Returns
    -------
    bytes
        The same but for those cells. Numbers are written as in the column of the maximum grade:
        ``10.00`` or, on a German site, ``10,00``.

    Raises
    ------
    WorksheetError
        If there is no row for a mark, a mark is below 0 or above the maximum grade, or grades
        cannot be written: a scale in place of points, or no column for them.
    """
    sheet = read_worksheet(content)
    rows, columns, separator = _table(content)
    maximum, example = _maximum(rows, columns)
    places = {each.number: row for each, row in zip(sheet.rows, rows[1:], strict=True)}
    changes: dict[Cell, str] = {}
    for number, mark in marks.items():
        if number not in places:
            raise WorksheetError(f"number {number} has no row; is this another assignment's file?")
        cells = places[number].cells
        changes[cells[columns["grade"]]] = _number(mark.points, maximum, example=example)
        if "feedback" in columns:
            changes[cells[columns["feedback"]]] = feedback_cell(mark.feedback)
    return replaced(content, changes, separator=separator)


def feedback_cell(text: str) -> str:
    r"""Return a plain text as Moodle's editor shows it: escaped, capped, and no formula.

    Examples
    --------
    >>> feedback_cell("=1<2\nok")
    "'=1&lt;2<br>ok"
    """
    lines = ("".join(map(_shown, line)).strip() for line in text.splitlines())
    kept = "\n".join(lines).strip()
    if len(kept) > MAX_FEEDBACK:
        kept = kept[: MAX_FEEDBACK - 3] + "..."
    return without_formula(html.escape(kept).replace("\n", "<br>"))


def can_be_changed(row: WorksheetRow) -> bool:
    """Say whether Moodle will take a grade for this row; it skips those it has locked."""
    named = (text for header, text in row.fields.items() if _key(header) in _HEADERS["changeable"])
    return all(_key(text) in _YES for text in named)


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else ""


def _table(content: bytes) -> tuple[list[Row], dict[str, int], str]:
    """Return the rows, the columns that are known and the separator."""
    problems: list[WorksheetError] = []
    for separator in _SEPARATORS:
        try:
            header = read_header(content, separator)
        except WorksheetError as err:
            problems.append(err)
            continue
        if "identifier" in (columns := _columns(header)) and len(header.cells) > 1:
            return read_rows(content, separator), columns, separator
    if len(problems) == len(_SEPARATORS):
        raise problems[0]
    raise WorksheetError(
        "line 1: no column Identifier or ID; this is no grading worksheet, or in a language "
        f"unknown here: {_REMEDY}"
    )


def _columns(header: Row) -> dict[str, int]:
    known = {name: kind for kind, names in _HEADERS.items() for name in names}
    columns: dict[str, int] = {}
    for place, text in enumerate(header.texts):
        kind = known.get(_key(text))
        if kind in columns and kind in _DECIDING:
            raise WorksheetError(
                f"line 1: the columns {header.texts[columns[kind]]!r} and {text!r} both hold the "
                f"{kind}; rename the one that Moodle did not make, such as an outcome"
            )
        if kind:
            columns.setdefault(kind, place)
    return columns


def _key(text: str) -> str:
    return " ".join(text.split()).casefold()


def _read_row(row: Row, headers: tuple[str, ...], columns: Mapping[str, int]) -> WorksheetRow:
    texts = {kind: row.texts[place] for kind, place in columns.items()}
    number = re.search(r"(?<![0-9])([0-9]{1,18})\s*\Z", texts["identifier"])
    if number is None:
        raise WorksheetError(
            f"line {row.line}: the identifier ends with no number; download the worksheet again"
        )
    try:
        submitted = read_date(texts.get("submitted", ""))
    except ValueError as err:
        raise WorksheetError(f"line {row.line}: {err}; {_REMEDY}") from err
    names = ("name", "status", "group", "email", "id_number")
    return WorksheetRow(
        number=int(number[1]),
        submitted=submitted,
        fields=dict(zip(headers, row.texts, strict=True)),
        line=row.line,
        **{name: texts.get(name, "").strip() for name in names},
    )


def _maximum(rows: list[Row], columns: Mapping[str, int]) -> tuple[Decimal, str]:
    """Return the maximum grade and how the worksheet writes it."""
    if "scale" in columns:
        raise WorksheetError(
            "this assignment is graded with a scale; set its grade type to points in Moodle, "
            "then download the worksheet again"
        )
    for needed, shown in (("grade", "Grade"), ("maximum", "Maximum grade")):
        if needed not in columns:
            raise WorksheetError(f"line 1: no column {shown!r}; {_REMEDY}")
    seen = dict(_maxima(rows, columns["maximum"]))
    if len(seen) != 1:
        shown = " and ".join(f"{text!r} in line {line}" for text, line in list(seen.items())[:2])
        raise WorksheetError(
            f"the maximum grade is not one number: {shown or 'there is no row'}; "
            "download the worksheet again"
        )
    (example,) = seen
    if not _NUMBER.fullmatch(example):
        raise WorksheetError(f"the maximum grade {example!r} is no number; {_REMEDY}")
    maximum = Decimal(example.replace(",", "."))
    if maximum == 0:
        raise WorksheetError("the maximum grade is 0; set one above 0 in Moodle")
    return maximum, example


def _maxima(rows: list[Row], place: int) -> Iterator[tuple[str, int]]:
    """Yield the maximum grade of each row with its line, the first row last."""
    return ((row.texts[place].strip(), row.line) for row in reversed(rows[1:]))


def _number(points: Decimal, maximum: Decimal, *, example: str) -> str:
    """Return points written as the example is: its separator, and at least its digits."""
    if not (points.is_finite() and 0 <= points <= maximum):
        raise WorksheetError(
            f"{points} points do not lie between 0 and the maximum grade {maximum}"
        )
    mark = "," if "," in example else "."
    digits = max(len(example.partition(mark)[2]), 2)
    return f"{points:.{digits}f}".replace(".", mark)
