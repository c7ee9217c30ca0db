"""What a check shows: tables and pictures from data, collected while the check runs.

A check calls `table` or `picture` before its assertions, so a student whose answer is wrong sees
it too. Pictures become pixels at once and texts are escaped when they are drawn; nothing that
student code returned is ever shown as markup.
"""

import base64
import html
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils import records

_FEW = 6
_PICTURE_DPI = 110


@dataclass(frozen=True)
class Table:
    """Rows with the same columns."""

    rows: tuple[Mapping[str, Any], ...]

    def html(self) -> str:
        """Return the table as HTML; every text is escaped."""
        return html_table(self.rows)


@dataclass(frozen=True)
class Picture:
    """A figure as PNG, with a text for those who cannot see it."""

    png: bytes
    alt: str

    def html(self) -> str:
        """Return the picture as an HTML image."""
        data = base64.b64encode(self.png).decode("ascii")
        return f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{data}">'


Evidence = Table | Picture
_collected: ContextVar[list[Evidence] | None] = ContextVar("collected", default=None)


@contextmanager
def collecting() -> Iterator[list[Evidence]]:
    """Collect what is shown inside the block."""
    shown: list[Evidence] = []
    token = _collected.set(shown)
    try:
        yield shown
    finally:
        _collected.reset(token)


def table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Show a small table under the exercise.

    Parameters
    ----------
    rows
        One mapping a row, column name to value; the first row gives the order of the columns.

    Examples
    --------
    >>> with collecting() as shown:
    ...     table([{"layer": "conv1", "yours": 80, "expected": 80}])
    >>> shown[0].rows[0]["yours"]
    80
    """
    if (shown := _collected.get()) is not None:
        shown.append(Table(tuple(rows)))


def picture(figure: Any, *, alt: str) -> None:
    """Show a matplotlib figure under the exercise.

    Parameters
    ----------
    figure
        A ``matplotlib.figure.Figure``, drawn from data.
    alt
        What the picture shows, in a sentence.
    """
    if (shown := _collected.get()) is not None:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=_PICTURE_DPI, bbox_inches="tight")
        shown.append(Picture(buffer.getvalue(), alt))


def html_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as an HTML table, as `records.html_table`, each value in a few characters.

    Examples
    --------
    >>> html_table([{"a": "<b>", "b": ""}])
    '<table><tr><th>a</th></tr><tr><td style="text-align:left">&lt;b&gt;</td></tr></table>'
    """
    return records.html_table(rows, write=brief)


def brief(value: Any, *, characters: int = 60) -> str:
    """Return a short text for a value in a table.

    Examples
    --------
    >>> import numpy as np
    >>> brief(np.zeros((4, 3), dtype=np.float32)), brief("a" * 100, characters=8)
    ('float32 array (4, 3)', "'aaaaaa…")
    """
    if isinstance(value, np.ndarray) and value.size > _FEW:
        text = f"{value.dtype} array {value.shape}"
    elif isinstance(value, np.ndarray):
        text = brief(value.tolist(), characters=characters)
    elif isinstance(value, tuple | list) and len(value) <= _FEW:
        inner = ", ".join(brief(item, characters=characters) for item in value)
        text = f"[{inner}]" if isinstance(value, list) else f"({inner})"
    elif isinstance(value, float):
        text = f"{value:.6g}"
    else:
        text = repr(value)
    return text if len(text) <= characters else text[: characters - 1] + "…"
