"""Rows as a table of the notebook, and as plain text where there is none. Computes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course_utils.records import html_table
from course_utils.units import format_number


@dataclass(frozen=True, repr=False)
class Table:
    """Rows with the same columns; as the last expression of a cell it shows itself.

    Parameters
    ----------
    rows
        One mapping a row, column name to text or number; the first gives the order of the columns.
    caption
        A line above the table, or nothing.

    Examples
    --------
    >>> Table([{"strategy": "ddp", "ranks": 1024}, {"strategy": "fsdp2", "ranks": 8}])
    strategy  ranks
    ddp       1,024
    fsdp2     8
    """

    rows: Sequence[Mapping[str, Any]]
    caption: str = ""

    def __repr__(self) -> str:
        if not self.rows:
            return self.caption
        columns = list(self.rows[0])
        lines = [columns, *([_text(row.get(name, "")) for name in columns] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        told = [
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        return "\n".join([*([self.caption] if self.caption else []), *told])

    def _repr_html_(self) -> str:
        return html_table(self.rows, caption=self.caption, write=_text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else format_number(value)
