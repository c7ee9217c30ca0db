"""Reads CSV with the place of every cell in the bytes, so that one cell can be changed alone.

RFC 4180 as Moodle and spreadsheets write it: cells in quotes may hold separators, line breaks and
doubled quotes; lines end with CRLF, LF or CR; the text is UTF-8, with or without a byte order mark.
Anything else is refused with its line. What a column means is not known here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from grading.errors import WorksheetError
from labs.engine.spreadsheets import is_like_formula

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MAX_BYTES = 64 * 2**20  # a worksheet with online text of 1,000 students has a few MB
_LINE_END = re.compile(rb"\r\n|\n|\r")
_QUOTED = re.compile(rb'"((?:[^"]++|"")*+)"')


@dataclass(frozen=True)
class Cell:
    """One cell: its text, and where it stands in the bytes, quotes included.

    Parameters
    ----------
    text
        What it says.
    start, end
        Its first byte, and the one after its last.
    is_quoted
        Whether it stands in quotes.
    """

    text: str
    start: int
    end: int
    is_quoted: bool


@dataclass(frozen=True)
class Row:
    """The cells of one record and the number of the line, from 1, in which it begins."""

    cells: tuple[Cell, ...]
    line: int

    @property
    def texts(self) -> tuple[str, ...]:
        """What the cells say."""
        return tuple(cell.text for cell in self.cells)


def read_rows(content: bytes, separator: str = ",") -> list[Row]:
    r"""Return the records of a file; lines without any character are left out.

    Parameters
    ----------
    content
        The file.
    separator
        What stands between cells: ``,``, ``;`` or a tab.

    Raises
    ------
    WorksheetError
        If it is too large, no UTF-8, holds a NUL, or its quotes are not as they must be.

    Examples
    --------
    >>> [(row.line, row.texts) for row in read_rows(b'a,"b ""c""\nd"\r\n\r\n1,\n')]
    [(1, ('a', 'b "c"\nd')), (4, ('1', ''))]
    """
    _check(content)
    rows: list[Row] = []
    place = len(BYTE_ORDER_MARK) if content.startswith(BYTE_ORDER_MARK) else 0
    line = 1
    while place < len(content):
        row, place = _read_row(content, place, separator=separator, line=line)
        if len(row.cells) > 1 or row.cells[0].end > row.cells[0].start:
            rows.append(row)
        line += len(_LINE_END.findall(content, row.cells[0].start, place))
    return rows


def read_header(content: bytes, separator: str = ",") -> Row:
    """Return the first record alone: enough to see whether this is the separator.

    Raises
    ------
    WorksheetError
        As `read_rows`, and if there is no record.
    """
    _check(content)
    place = len(BYTE_ORDER_MARK) if content.startswith(BYTE_ORDER_MARK) else 0
    if not content[place:].strip():
        raise WorksheetError("the file is empty; download it again")
    return _read_row(content, place, separator=separator, line=1)[0]


def replaced(content: bytes, changes: Mapping[Cell, str], *, separator: str = ",") -> bytes:
    """Return the file with other texts in some cells, and every other byte as it was.

    Parameters
    ----------
    content
        The file.
    changes
        Cell of `read_rows` -> its new text; in quotes if it was, or must be.
    separator
        As for `read_rows`.
    """
    parts, place = [], 0
    for cell in sorted(changes, key=lambda each: each.start):
        text = changes[cell]
        needs_quotes = any(mark in text for mark in (separator, '"', "\r", "\n")) or text != (
            text.strip()
        )
        if cell.is_quoted or needs_quotes:
            text = '"' + text.replace('"', '""') + '"'
        parts += [content[place : cell.start], text.encode()]
        place = cell.end
    return b"".join([*parts, content[place:]])


def without_formula(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe in front where needed.

    Examples
    --------
    >>> without_formula("=1+1"), without_formula("1+1")
    ("'=1+1", '1+1')
    """
    return f"'{text}" if text.startswith(("\t", "\r", "\n")) or is_like_formula(text) else text


def _check(content: bytes) -> None:
    if len(content) > MAX_BYTES:
        raise WorksheetError(f"{len(content)} bytes; a worksheet has at most {MAX_BYTES}")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in content:
        raise WorksheetError("not UTF-8 (UTF-16, or no text); save it as 'CSV UTF-8'")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as err:
        line = len(_LINE_END.findall(content[: err.start])) + 1
        raise WorksheetError(
            f"line {line}: not UTF-8; download it again, or save it as 'CSV UTF-8'"
        ) from err


def _read_row(content: bytes, place: int, *, separator: str, line: int) -> tuple[Row, int]:
    """Return the record that begins at a place, and the place after its line end."""
    cells = []
    while True:
        cell = _read_cell(content, place, separator=separator, line=line)
        cells.append(cell)
        place = cell.end
        if content[place : place + 1] != separator.encode():
            break
        place += 1
    end = _LINE_END.match(content, place)
    if end is None and place < len(content):
        seen = content[place : place + 20].decode("utf-8", "replace")
        raise WorksheetError(
            f"line {line}: {seen!r} after the quotes of a cell; quotes are doubled"
        )
    return Row(tuple(cells), line), place if end is None else end.end()


def _read_cell(content: bytes, place: int, *, separator: str, line: int) -> Cell:
    if content[place : place + 1] == b'"':
        quoted = _QUOTED.match(content, place)
        if quoted is None:
            raise WorksheetError(f"line {line}: the quotes of a cell are not closed")
        text = quoted[1].decode("utf-8").replace('""', '"')
        return Cell(text, place, quoted.end(), is_quoted=True)
    plain = _plain(separator).match(content, place)
    end = place if plain is None else plain.end()
    return Cell(content[place:end].decode("utf-8"), place, end, is_quoted=False)


@cache
def _plain(separator: str) -> re.Pattern[bytes]:
    return re.compile(rb"[^\r\n" + re.escape(separator.encode()) + rb"]*")
