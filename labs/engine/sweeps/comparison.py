"""What `labs.engine.sweeps.compare` found, as lines to read and as a table to keep."""

import csv
import io
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from course_utils.records import write_atomically
from course_utils.stats import Interval
from course_utils.units import format_number
from labs.engine.errors import UsageError
from labs.engine.spreadsheets import safe_cell
from labs.engine.sweeps import pairs

Verdict = pairs.Verdict | Literal["equal", "exact", "not paired"]
COLUMNS = (
    "result", "a_mean", "b_mean", "difference", "low", "high", "pairs", "p_value", "verdict",
)  # fmt: skip
SHOWN_SETTINGS = 5  # of those that only one sweep has


@dataclass(frozen=True)
class Change:
    """Something that is one thing in sweep A and another in sweep B.

    Parameters
    ----------
    what
        Its name: of a parameter, or in words.
    a, b
        What it is there.
    """

    what: str
    a: str
    b: str


@dataclass(frozen=True)
class Difference:
    """A result at a setting, in both sweeps.

    Parameters
    ----------
    setting
        The parameters that vary within a sweep.
    result
        Name of the result.
    a, b
        Means over the runs that are compared.
    interval
        Of 95 %, for the mean of ``b - a``; None where it is exact, or of single runs.
    n
        Pairs of runs with the same seed; 0 if there are none, so that all runs are compared.
    p_value
        After Holm's correction; None without a test.
    verdict
        On B against A. ``equal`` and ``exact`` stand for a count that no seed changes: there is
        nothing to test. ``not paired``: no seed in common, and no test.
    """

    setting: Mapping[str, Any]
    result: str
    a: float
    b: float
    interval: Interval | None
    n: int
    p_value: float | None
    verdict: Verdict

    @property
    def value(self) -> float:
        """Mean of ``b - a``."""
        return self.b - self.a if self.interval is None else self.interval.value

    def cells(self) -> tuple[str, ...]:
        """Return the result, its means, their difference, n, p-value and verdict as texts."""
        span = ""
        if self.interval is not None:
            low, high = format_number(self.interval.low), format_number(self.interval.high)
            span = f" [{low}, {high}]"
        return (
            self.result,
            format_number(self.a),
            format_number(self.b),
            f"{format_number(self.value)}{span}",
            str(self.n),
            "" if self.p_value is None else format_number(self.p_value),
            self.verdict,
        )


@dataclass(frozen=True)
class Comparison:
    """Sweep B against sweep A.

    Parameters
    ----------
    a, b
        A line each on what was compared.
    changes
        What changed from A to B.
    differences
        By setting, in the order of A, then by result.
    tests
        How many of them were tested; their p-values are corrected for this number.
    only_a, only_b
        Settings that have finished runs in one sweep alone.
    left_out
        Results of both that nobody asked for.
    """

    a: str
    b: str
    changes: tuple[Change, ...]
    differences: tuple[Difference, ...]
    tests: int
    only_a: tuple[Mapping[str, Any], ...]
    only_b: tuple[Mapping[str, Any], ...]
    left_out: tuple[str, ...]

    def describe(self, width: int = 120) -> str:
        """Return the comparison as lines.

        Parameters
        ----------
        width
            Characters that a line has room for: where the table needs more, each comparison takes
            two lines.
        """
        notes = [textwrap.fill(note, width) for note in self._notes()]
        sections = [[f"A: {self.a}", f"B: {self.b}"], self._changes(), self._table(width), notes]
        return "\n\n".join("\n".join(lines) for lines in sections if lines)

    def rows(self) -> list[dict[str, Any]]:
        """Return a mapping for each difference: `COLUMNS`, then the parameters of its setting.

        A parameter with the name of a column gets ``_parameter`` behind it.
        """
        rows = []
        for each in self.differences:
            span = (each.interval.low, each.interval.high) if each.interval else (None, None)
            numbers = (each.a, each.b, each.value, *span, each.n, each.p_value)
            row = dict(zip(COLUMNS, (each.result, *numbers, each.verdict), strict=True))
            for name, value in each.setting.items():
                row[f"{name}_parameter" if name in COLUMNS else name] = value
            rows.append(row)
        return rows

    def write(self, path: Path) -> Path:
        """Write the rows as a CSV file, whole or not at all, and return its path.

        Parameters
        ----------
        path
            The file; an older one of the same kind is replaced.

        Raises
        ------
        UsageError
            If something else is there, or the file cannot be written.
        """
        rows = self.rows()
        names = dict.fromkeys((*COLUMNS, *(name for row in rows for name in row)))
        text = io.StringIO()
        writer = csv.DictWriter(text, list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
        try:
            if path.exists() and not path.read_bytes().startswith(",".join(COLUMNS).encode()):
                raise UsageError(f"{path} is there and holds no comparison; give another name")
            return write_atomically(path, text.getvalue())
        except OSError as err:
            reason = err.strerror or err
            raise UsageError(f"cannot write {path}: {reason}; give another place") from err

    def _changes(self) -> list[str]:
        if not self.changes:
            return ["Nothing that the runs recorded changed from A to B."]
        rows = [("changed", "A", "B"), *((each.what, each.a, each.b) for each in self.changes)]
        return list(_columns(rows))

    def _table(self, width: int) -> list[str]:
        if not self.differences:
            return ["No setting has finished runs in both sweeps."]
        head = ("result", "A", "B", "B - A [95 %]", "pairs", "p", "B is")
        lines = list(_columns([head, *(each.cells() for each in self.differences)]))
        is_wide = max(map(len, lines)) + 2 <= width
        told = [f"  {lines[0]}"] if is_wide else []
        setting = None
        for each, line in zip(self.differences, lines[1:], strict=True):
            if each.setting != setting:
                setting = each.setting
                told.append(label(setting))
            told += [f"  {line}"] if is_wide else _stacked(each)
        return told

    def _notes(self) -> Iterator[str]:
        """Yield what must be known to read the table."""
        if self.tests:
            yield (
                f"Verdicts and p are corrected for {_count(self.tests, 'comparison')} (Holm); "
                "intervals are not. That B differs does not say which change made it so."
            )
        verdicts = {each.verdict for each in self.differences}
        if "too few seeds" in verdicts:
            yield (
                f"Too few seeds: a verdict needs {pairs.fewest_pairs(self.tests)} seeds of each "
                "setting in both sweeps, or fewer results (-r)."
            )
        if "not paired" in verdicts:
            yield "Not paired: no seed in common, so no test; give both sweeps the same seeds."
        if "exact" in verdicts:
            yield "Exact: counts that no seed changes, which need no test."
        for name, settings in (("A", self.only_a), ("B", self.only_b)):
            if settings:
                more = len(settings) - SHOWN_SETTINGS
                listed = "; ".join(map(label, settings[:SHOWN_SETTINGS]))
                yield f"Only in {name}: {listed}{f'; and {more} more' if more > 0 else ''}."
        if self.left_out:
            yield f"In both, and not compared: {', '.join(self.left_out)}."


def label(setting: Mapping[str, Any]) -> str:
    """Return a setting as text.

    Examples
    --------
    >>> label({"bits": 4, "width": 0.5}), label({})
    ('bits=4, width=0.5', 'the only setting')
    """
    return ", ".join(f"{name}={value}" for name, value in setting.items()) or "the only setting"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _stacked(difference: Difference) -> list[str]:
    result, a, b, value, n, p_value, verdict = difference.cells()
    return [
        f"  {result}: {verdict} ({n} pairs{f', p {p_value}' if p_value else ''})",
        f"    A {a}, B {b}, B - A {value}",
    ]


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows as lines, every column as wide as its longest text."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _cell(value: Any) -> Any:
    """Return a value as it stands in a CSV file; no spreadsheet takes a text for a formula."""
    text = json.dumps(value) if isinstance(value, list | tuple) else value
    return safe_cell(text) if isinstance(text, str) else text
