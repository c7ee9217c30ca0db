"""Results with their uncertainty, the one call that hands them over, and the record of a run.

A result is a number with an interval, the number of observations behind it and how it was come
by. A notebook ends with ``records.show_results(top1=..., latency_ms=..., data="digits")``: the
table that the reader sees carries the same numbers as JSON, which is where `labs.engine.runner`
reads them. This module neither measures nor runs anything.

The record of a run is one JSON object with five keys::

    lab          name of the lab or path of the notebook
    parameters   every parameter with the value used
    status       "ok" or "failed"
    results      name -> {value, low, high, n, kind}
    provenance   where, when, with which versions and data; the failing cell if there is one
"""

import html
import json
import math
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from course_utils import units
from course_utils.errors import RecordError

Kind = Literal["measured", "counted", "modelled", "assumed"]
KINDS: tuple[str, ...] = get_args(Kind)
RECORD_KEYS = ("lab", "parameters", "status", "results", "provenance")
RESULTS_MIME = "application/vnd.mlsys-course.results+json"


@dataclass(frozen=True)
class Result:
    """A number, how sure it is, and how it was come by.

    Parameters
    ----------
    value, low, high
        The number and its interval, in the unit of the name it is given; ``low <= value <= high``.
    n
        Independent observations behind the value, >= 1.
    kind
        ``measured`` (observed here), ``counted`` (exact), ``modelled`` (computed from measured
        inputs by a model) or ``assumed`` (taken from elsewhere). A measurement with n = 1 has
        no interval; its low and high repeat the value, and `describe` says so.

    Raises
    ------
    RecordError
        If a number is not finite, the interval does not hold the value, or the kind is unknown.

    Examples
    --------
    >>> Result(2.0, 1.9, 2.2, n=31, kind="measured")
    Result(value=2.0, low=1.9, high=2.2, n=31, kind='measured')
    """

    value: float
    low: float
    high: float
    n: int
    kind: Kind

    def __post_init__(self) -> None:
        """Refuse what is not a result."""
        numbers = (self.value, self.low, self.high)
        if not all(isinstance(x, int | float) and math.isfinite(x) for x in numbers):
            raise RecordError(
                f"a result needs finite int or float, got {numbers}; convert with float()"
            )
        if not self.low <= self.value <= self.high:
            raise RecordError(f"interval [{self.low}, {self.high}] does not hold {self.value}")
        if not (isinstance(self.n, int) and self.n >= 1):
            raise RecordError(f"n must be an int >= 1, got {self.n!r}")
        if self.kind not in KINDS:
            raise RecordError(f"kind {self.kind!r} is not one of {', '.join(KINDS)}")

    def describe(self, name: str) -> str:
        """Return the result as text, with the unit that its name carries.

        Examples
        --------
        >>> Result(2.0, 1.9, 2.2, n=31, kind="measured").describe("latency_ms")
        '2 ms [1.9, 2.2]'
        >>> counted(22604).describe("params")
        '22,604'
        """
        text = f"{units.format_number(self.value)} {units.unit_of(name)}".strip()
        if self.n == 1 and self.kind == "measured":
            return f"{text} (one observation, no interval)"
        if self.low == self.high:
            return text
        low, high = units.format_number(self.low), units.format_number(self.high)
        return f"{text} [{low}, {high}]"


def counted(value: float) -> Result:
    """Return an exact count as a result.

    Examples
    --------
    >>> counted(16000).kind
    'counted'
    """
    return Result(value, value, value, n=1, kind="counted")


@dataclass(frozen=True)
class ResultTable:
    """Results as a table for the reader, with the same numbers as JSON for the runner."""

    results: Mapping[str, Result]
    data: tuple[str, ...]

    def __repr__(self) -> str:
        results = self.results.items()
        lines = [f"{name} = {r.describe(name)} (n={r.n}, {r.kind})" for name, r in results]
        return "\n".join([*lines, f"data: {', '.join(self.data)}"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        rows = [
            {"result": name, "value [interval]": r.describe(name), "n": r.n, "kind": r.kind}
            for name, r in self.results.items()
        ]
        return {
            "text/plain": repr(self),
            "text/html": html_table(rows, caption=f"Data: {', '.join(self.data)}"),
            RESULTS_MIME: {
                "data": list(self.data),
                "results": {name: asdict(result) for name, result in self.results.items()},
            },
        }


def html_table(
    rows: Sequence[Mapping[str, Any]], *, caption: str = "", write: Callable[[Any], str] = str
) -> str:
    """Return rows as an HTML table without its empty columns, or nothing if there are no rows.

    Texts are escaped and aligned to the left, everything else to the right.

    Parameters
    ----------
    rows
        One mapping a row, column name to value; the first row gives the order of the columns.
    caption
        A line above the table.
    write
        How a value that is no text is written.

    Examples
    --------
    >>> html_table([{"layer": "<conv>", "macs": 9, "note": ""}])
    '<table><tr><th>layer</th><th>macs</th></tr>\
<tr><td style="text-align:left">&lt;conv&gt;</td><td>9</td></tr></table>'
    """

    def cell(value: Any) -> str:
        if isinstance(value, str):  # notebooks align cells to the right, which suits numbers alone
            return f'<td style="text-align:left">{html.escape(value)}</td>'
        return f"<td>{html.escape(write(value))}</td>"

    if not rows:
        return ""
    columns = [name for name in rows[0] if any(str(row.get(name, "")) for row in rows)]
    lines = ["".join(f"<th>{html.escape(name)}</th>" for name in columns)]
    lines += ["".join(cell(row.get(name, "")) for name in columns) for row in rows]
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<tr>{'</tr><tr>'.join(lines)}</tr></table>"


def show_results(*, data: str | tuple[str, ...], **results: Result) -> ResultTable:
    """Hand results over to whoever runs the notebook, as the last expression of a cell.

    Parameters
    ----------
    data
        Name or names of the data sets behind the results.
    results
        ``name=Result``; each name carries its unit (`units.UNIT_BY_SUFFIX`) and is declared in
        the lab's ``lab.toml``.

    Raises
    ------
    RecordError
        If a value is not a `Result`, or no data set is named.

    Examples
    --------
    >>> show_results(data="digits", params=counted(10))
    params = 10 (n=1, counted)
    data: digits
    """
    names = (data,) if isinstance(data, str) else tuple(data)
    if not names or not all(names):
        raise RecordError("name the data behind the results: data='digits'")
    for name, result in results.items():
        if not isinstance(result, Result):
            kind = type(result).__name__
            raise RecordError(f"{name} is a {kind}; give records.counted(...) or a .result()")
    return ResultTable(results, names)


def result_from_json(name: str, fields: Any) -> Result:
    """Return a result from its JSON form, refusing anything else.

    Examples
    --------
    >>> result_from_json("params", {"value": 1, "low": 1, "high": 1, "n": 1, "kind": "counted"})
    Result(value=1, low=1, high=1, n=1, kind='counted')
    """
    if not isinstance(fields, dict) or set(fields) != {"value", "low", "high", "n", "kind"}:
        raise RecordError(f"{name!r} needs exactly value, low, high, n, kind; got {fields!r}")
    return Result(**fields)


def validate_record(record: Any) -> dict[str, Any]:
    """Return the record itself if it has the documented form.

    Raises
    ------
    RecordError
        Naming the first part that is missing, superfluous or ill-formed.

    Examples
    --------
    >>> validate_record({"lab": "quickstart"})
    Traceback (most recent call last):
    ...
    course_utils.errors.RecordError: a record has the keys lab, parameters, status, results, \
provenance; got lab
    """
    if not isinstance(record, dict) or set(record) != set(RECORD_KEYS):
        seen = ", ".join(record) if isinstance(record, dict) else type(record).__name__
        raise RecordError(f"a record has the keys {', '.join(RECORD_KEYS)}; got {seen}")
    if record["status"] not in ("ok", "failed"):
        raise RecordError(f"status is 'ok' or 'failed', not {record['status']!r}")
    for key in ("parameters", "results", "provenance"):
        if not isinstance(record[key], dict):
            raise RecordError(f"{key} of a record is an object, not {record[key]!r}")
    for name, fields in record["results"].items():
        result_from_json(name, fields)
    return record


def write_record(record: Mapping[str, Any], path: str | Path) -> Path:
    """Write a valid record as JSON, whole or not at all, and return its path.

    Raises
    ------
    RecordError
        If the record is not valid.
    OSError
        If the folder cannot be written; nothing is left behind.
    """
    text = json.dumps(validate_record(dict(record)), indent=2, allow_nan=False) + "\n"
    return write_atomically(path, text)


def write_atomically(path: str | Path, text: str) -> Path:
    """Write text to a file, whole or not at all: a temporary file beside it, then a rename."""
    target = Path(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        return Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_record(path: str | Path) -> dict[str, Any]:
    """Return the record in a file.

    Raises
    ------
    RecordError
        If the file is not a valid record; the message names the file.
    """
    try:
        return validate_record(json.loads(Path(path).read_text(encoding="utf-8")))
    except (ValueError, RecordError) as err:
        raise RecordError(f"{path} is not a record: {err}") from err
