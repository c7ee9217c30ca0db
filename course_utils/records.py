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

``load(folder)`` makes one table of many records, those of a sweep above all: a row a run.
"""

import html
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from course_utils import units
from course_utils.errors import RecordError

if TYPE_CHECKING:
    from pandas import DataFrame

Kind = Literal["measured", "counted", "modelled", "assumed"]
KINDS: tuple[str, ...] = get_args(Kind)
RECORD_KEYS = ("lab", "parameters", "status", "results", "provenance")
RESULTS_MIME = "application/vnd.mlsys-course.results+json"
SWEEP = "sweep.json"  # in the folder of a sweep; its form stands in labs.engine.sweeps.folder
ENDINGS = {"": "value", "_low": "low", "_high": "high", "_n": "n", "_kind": "kind"}
# The columns of a table that stand before and behind its parameters and results.
BEFORE, BEHIND = ("run", "status", "purpose"), ("duration_s", "cpu_s", "data", "error")


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
            # A word such as a hash would push the other columns out of sight.
            breaks = ";overflow-wrap:anywhere" if any(len(w) > 40 for w in value.split()) else ""
            return f'<td style="text-align:left{breaks}">{html.escape(value)}</td>'
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


def load(folder: str | Path) -> "DataFrame":
    """Return the runs of a sweep, or all records in a folder, as a pandas table: a row a run.

    The columns are ``run``, ``status`` (ok or failed; a run that is not over is waiting or
    interrupted) and ``purpose`` (asked, or fresh for new seeds of a selected setting); every
    parameter, those that the sweep sets first; every result as NAME, NAME_low, NAME_high, NAME_n
    and NAME_kind; ``duration_s``, ``cpu_s``, ``data``, and ``error``, why a run failed. Lists are
    tuples, so that one can group by them. A name that is taken gets ``_result`` or ``_parameter``
    behind it. Missing is what a run does not have.

    Raises
    ------
    RecordError
        If there is neither a sweep nor a record in the folder, or one is damaged.
    """
    import pandas as pd  # noqa: PLC0415 - half a second, for tables alone

    columns, rows = table_of(read_records(folder))
    return pd.DataFrame(rows, columns=columns)


def read_records(folder: str | Path) -> list[dict[str, Any]]:
    """Return the records of a sweep as asked for, or all in a folder by name; errors as of `load`.

    Each also names its ``run`` and ``purpose``. Runs of a sweep that are not over have the status
    waiting or interrupted and no results; those of earlier code or versions are left out.
    """
    path = Path(folder)
    if not (path / SWEEP).exists():
        files = sorted(each for each in path.glob("*.json") if each.is_file())
        if not files:
            raise RecordError(f"{path} holds no sweep and no record; give the folder of a sweep")
        return [{"run": each.stem, "purpose": "asked", **read_record(each)} for each in files]
    try:
        content = json.loads((path / SWEEP).read_text(encoding="utf-8"))
        runs = [each for each in content["runs"] if each["origin"] == content["origin"]]
        return [_of_run(path / "runs" / run["id"], content["target"], run) for run in runs]
    except (OSError, ValueError, KeyError, TypeError) as err:
        said = f"{type(err).__name__}: {err}"
        raise RecordError(f"{path / SWEEP} is damaged ({said}); restore it") from err


def _of_run(place: Path, lab: str, run: Mapping[str, Any]) -> dict[str, Any]:
    own = {"run": run["id"], "purpose": run["purpose"]}
    try:
        record = read_record(place / "notebook.json")
        return record | own | {"parameters": {**run["parameters"], **record["parameters"]}}
    except (OSError, RecordError):  # not over, or to be done again
        status = "interrupted" if (place / "started.json").exists() else "waiting"
        nothing: dict[str, Any] = {"status": status, "results": {}, "provenance": {}}
        return nothing | own | {"lab": lab, "parameters": dict(run["parameters"])}


def table_of(records: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[dict[str, Any]]]:
    """Return records of `read_records` as columns and rows, without what a run does not have."""
    taken = {*BEFORE, *BEHIND}
    by_result = (name for record in records for name in record["results"])
    results = _columns(by_result, taken, "_result", tuple(ENDINGS))
    by_parameter = (name for record in records for name in record["parameters"])
    parameters = _columns(by_parameter, taken, "_parameter")
    rows = []
    for record in records:
        row: dict[str, Any] = {name: record[name] for name in BEFORE}
        for name, value in record["parameters"].items():
            row[parameters[name]] = tuple(value) if isinstance(value, list) else value
        for name, fields in record["results"].items():
            row |= {results[name] + ending: fields[key] for ending, key in ENDINGS.items()}
        told = record["provenance"]
        row |= {key: told[key] for key in ("duration_s", "cpu_s") if key in told}
        data = ", ".join(map(str, told.get("data", ())))
        rows.append(row | {"data": data, "error": _failure(record)})
    of_results = [name + ending for name in results.values() for ending in ENDINGS]
    return [*BEFORE, *parameters.values(), *of_results, *BEHIND], rows


def _columns(
    names: Iterable[str], taken: set[str], suffix: str, endings: Sequence[str] = ("",)
) -> dict[str, str]:
    """Return a column for each name, with a suffix while one of its endings is taken already."""
    columns = {}
    for name in dict.fromkeys(names):
        column = name
        while any(column + ending in taken for ending in endings):
            column += suffix
        taken |= {column + ending for ending in endings}
        columns[name] = column
    return columns


def _failure(record: Mapping[str, Any]) -> str:
    """Return cell, class and first line of the error; nothing if there is none."""
    error = record["provenance"].get("error")
    if not isinstance(error, Mapping):
        return ""
    lines = str(error.get("message", "")).strip().splitlines()
    where = [f"cell {error['cell']}"] if error.get("cell") else []
    text = ": ".join([*where, str(error.get("name", "error")), *lines[:1]])
    return text.encode(errors="replace").decode()  # half a surrogate pair can be no column's
