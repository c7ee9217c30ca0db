"""What an executed notebook says: its results, and the cell that failed.

It reads outputs as data and executes nothing. Results are the JSON that
`course_utils.records.show_results` put beside its table.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_utils.errors import RecordError
from course_utils.records import RESULTS_MIME, result_from_json
from labs.engine.catalog import did_you_mean
from labs.engine.parameters import cell_source

SOURCE_LINES = 8
TEXT_LENGTH = 400
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


@dataclass(frozen=True)
class Failure:
    """Why a run failed.

    Parameters
    ----------
    cell
        Number of the cell, n of ``In [n]``; None if no cell is to blame.
    source
        The cell's source, shortened.
    name, message
        Class and text of the error, without colour codes.
    """

    cell: int | None
    source: str
    name: str
    message: str

    def describe(self) -> str:
        """Return the failure in one line.

        Examples
        --------
        >>> Failure(3, "x = 1 / 0", "ZeroDivisionError", "division by zero").describe()
        "in cell 3, 'x = 1 / 0': ZeroDivisionError: division by zero"
        """
        first_line = next(iter(self.source.splitlines()), "")
        where = f"in cell {self.cell}, {first_line!r}: " if self.cell else ""
        return f"{where}{self.name}: {' '.join(self.message.split())}"


def code_cells(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the cells that a kernel executes: the n-th is ``In [n]`` for a reader."""
    return [
        cell
        for cell in content["cells"]
        if cell.get("cell_type") == "code" and cell_source(cell).strip()
    ]


def failure_at(content: Mapping[str, Any], cell: int | None, *, name: str, message: str) -> Failure:
    """Return a failure that quotes the cell of this number."""
    cells = code_cells(content)
    is_there = cell is not None and 1 <= cell <= len(cells)
    source = cell_source(cells[cell - 1]) if cell is not None and is_there else ""
    return Failure(cell if is_there else None, shorten_source(source), name, clean(message))


def unfinished(content: Mapping[str, Any]) -> Failure | None:
    """Return a failure if a cell did not run to its end, though nothing else says so.

    ``sys.exit()`` ends a notebook early, and papermill takes that for a success.
    """
    for number, cell in enumerate(code_cells(content), start=1):
        if cell.get("metadata", {}).get("papermill", {}).get("status") != "completed":
            message = "the cell ended the notebook before its end; remove exit() or sys.exit()"
            return failure_at(content, number, name="SystemExit", message=message)
    return None


def collect_results(
    content: Mapping[str, Any], declared: Mapping[str, str] | None
) -> tuple[dict[str, Any], tuple[str, ...], Failure | None]:
    """Return the results that the notebook handed over, their data sets, and what is wrong.

    Parameters
    ----------
    content
        An executed notebook.
    declared
        Results that the lab declares, by name; None where no lab says.

    Returns
    -------
    results
        Name -> ``{value, low, high, n, kind}``, those before the first mistake.
    data
        Names of the data sets behind them, in order of appearance.
    failure
        The first result that is ill-formed, not declared or given twice.
    """
    results: dict[str, Any] = {}
    data: list[str] = []
    for number, cell in enumerate(code_cells(content), start=1):
        try:
            for names, fields_by_name in _handed_over(cell):
                data += [name for name in names if name not in data]
                for name, fields in fields_by_name.items():
                    _check_result(name, fields, results, declared)
                    results[name] = fields
        except RecordError as err:
            failure = failure_at(content, number, name="RecordError", message=str(err))
            return results, tuple(data), failure
    return results, tuple(data), None


def missing_results(results: Mapping[str, Any], declared: Mapping[str, str]) -> Failure | None:
    """Return a failure that names the results declared in ``lab.toml`` and not handed over."""
    missing = [name for name in declared if name not in results]
    if not missing:
        return None
    message = f"lab.toml declares {', '.join(missing)}, but no cell showed it with show_results"
    return Failure(None, "", "RecordError", message)


def clean(text: str) -> str:
    r"""Return a message without colour codes and home folder, shortened.

    Examples
    --------
    >>> clean("\x1b[31mno\x1b[0m such file")
    'no such file'
    """
    plain = _ANSI.sub("", text).strip()
    home = Path("~").expanduser()
    if len(home.parts) > 1:  # a container's home may be the root folder
        plain = plain.replace(str(home), "~")
    return plain if len(plain) <= TEXT_LENGTH else plain[:TEXT_LENGTH] + " ..."


def shorten_source(source: str) -> str:
    r"""Return the first lines of a source, with what was left out counted.

    Examples
    --------
    >>> shorten_source("a\nb")
    'a\nb'
    """
    lines = source.strip().splitlines()
    if len(lines) <= SOURCE_LINES:
        return "\n".join(lines)
    return "\n".join([*lines[:SOURCE_LINES], f"... and {len(lines) - SOURCE_LINES} more lines"])


def _handed_over(cell: Mapping[str, Any]) -> Iterator[tuple[list[str], dict[str, Any]]]:
    for output in cell.get("outputs", []):
        bundle = output.get("data", {}).get(RESULTS_MIME)
        if bundle is None:
            continue
        names = bundle.get("data") if isinstance(bundle, dict) else None
        results = bundle.get("results") if isinstance(bundle, dict) else None
        if not isinstance(names, list) or not isinstance(results, dict):
            raise RecordError("the results are not as show_results gives them; use it")
        yield [str(name) for name in names], results


def _check_result(
    name: str, fields: Any, seen: Mapping[str, Any], declared: Mapping[str, str] | None
) -> None:
    result_from_json(name, fields)
    if name in seen:
        raise RecordError(f"result {name!r} is handed over twice; keep one or rename it")
    if declared is not None and name not in declared:
        known = ", ".join(declared) or "none"
        raise RecordError(
            f"result {name!r} is not declared in lab.toml{did_you_mean(name, declared)} "
            f"(declared: {known}); add it with a sentence"
        )
