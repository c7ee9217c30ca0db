"""The table of a sweep: a row a run, and a row a setting with means and intervals over seeds.

Written, it is ``results.csv``, the same as ``results.parquet`` where pyarrow is installed, and
``summary.csv``. Nothing is run, compared or drawn here.
"""

import csv
import functools
import importlib.util
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from course_utils import stats
from course_utils.records import (
    Kind,
    Result,
    read_records,
    result_from_json,
    table_of,
    write_atomically,
)
from labs.engine.errors import RunError
from labs.engine.spreadsheets import safe_cell
from labs.engine.sweeps.folder import Purpose, State, SweepFolder
from labs.engine.sweeps.settings import SEED

RESULTS, PARQUET, SUMMARY = "results.csv", "results.parquet", "summary.csv"
WEAKEST_FIRST: tuple[Kind, ...] = ("assumed", "modelled", "measured", "counted")
COUNTS = ("purpose", "runs", "failed", "open", "interval")  # columns of a setting
FIELDS = {"mean": "value", "low": "low", "high": "high", "n": "n", "kind": "kind"}


@dataclass(frozen=True)
class Row:
    """One run.

    Parameters
    ----------
    run_id
        Its name.
    setting
        The parameters that the sweep sets, without the seed.
    seed
        None where the sweep sets none.
    purpose
        As `labs.engine.sweeps.folder.Run`.
    state
        How far it has come.
    results
        Name -> result; empty unless it is over.
    duration_s, cpu_s
        Wall and CPU time; None unless it is over.
    error
        Why it failed, one line; empty if it did not.
    """

    run_id: str
    setting: Mapping[str, Any]
    seed: int | None
    purpose: Purpose
    state: State
    results: Mapping[str, Result]
    duration_s: float | None
    cpu_s: float | None
    error: str


@dataclass(frozen=True)
class Summary:
    """One setting.

    Parameters
    ----------
    setting
        The parameters that the sweep sets, without the seed.
    rows
        Its runs that ended well, in the order of their seeds.
    failed, open
        How many failed, and how many are not over.
    results
        Name -> mean over the runs with Student's t interval, and their number. Of one run it is
        that run's own result, with its own interval.
    over_seeds
        Whether the intervals are over seeds, or a single run's own.
    """

    setting: Mapping[str, Any]
    rows: tuple[Row, ...]
    failed: int
    open: int
    results: Mapping[str, Result]
    over_seeds: bool


def read_rows(folder: SweepFolder) -> list[Row]:
    """Return the runs of a folder in the order in which they were asked for.

    Those of an earlier origin are left out: other code or versions made them. Of a parameter that
    only some commands varied, the other runs have the value that they kept, so that a setting is
    the same one however it was asked for.
    """
    # Without what another process asked for just now.
    records = [each for each in read_records(folder.path) if each["run"] in folder.asked]
    _, lines = table_of(records)
    asked = [folder.asked[record["run"]].parameters for record in records]
    swept = dict.fromkeys(name for parameters in asked for name in parameters)
    kept: dict[str, Any] = {}  # the same in all runs that do not set it: `check_same_plan`
    for parameters, record in zip(asked, records, strict=True):
        values = record["parameters"]
        kept |= {name: values[name] for name in swept if name in values and name not in parameters}
    whole = [
        {name: {**kept, **each}[name] for name in swept if name in kept or name in each}
        for each in asked
    ]
    return [_row(*each) for each in zip(whole, records, lines, strict=True)]


def summarise(rows: Iterable[Row], *, purpose: Purpose = "asked") -> list[Summary]:
    """Return a summary for each setting, in the order of their first runs.

    A mean over runs has as many observations as there are runs with that result, and the weakest
    kind among theirs. Counts that differ from run to run are ``measured``: each is exact, their
    mean is not. What is the same in all runs, or only one of several has, gets an interval without
    width. What is modelled or assumed keeps at least the mean of its runs' own intervals: more
    seeds make no model truer.

    Parameters
    ----------
    rows
        Of `read_rows`.
    purpose
        Rows of another purpose are left out.
    """
    settings: dict[str, list[Row]] = {}
    for row in rows:
        if row.purpose == purpose:
            settings.setdefault(json.dumps(row.setting, sort_keys=True), []).append(row)
    return [_summary(runs) for runs in settings.values()]


def write_tables(folder: SweepFolder, rows: Sequence[Row]) -> list[Path]:
    """Write the tables of a sweep into its folder, each whole or not at all; return their paths.

    Parameters
    ----------
    folder
        Its runs are the rows of ``results.csv``, with the columns of `course_utils.records.load`.
    rows
        Of `read_rows`, to be summarised in ``summary.csv``.

    Raises
    ------
    RunError
        If the folder cannot be written.
    """
    columns, lines = table_of(read_records(folder.path))
    summaries = [
        (purpose, each)
        for purpose in get_args(Purpose)
        for each in summarise(rows, purpose=purpose)
    ]
    texts = {RESULTS: _csv(columns, lines), SUMMARY: _csv(*_summary_table(summaries))}
    try:
        written = [write_atomically(folder.path / name, text) for name, text in texts.items()]
        return written + _write_parquet(folder.path / PARQUET, columns, lines)
    except OSError as err:
        raise RunError(
            f"cannot write the tables of {folder.path}: {err.strerror or err}; no finished run is "
            "lost; free some space and give the same command again"
        ) from err


def _row(parameters: Mapping[str, Any], record: Mapping[str, Any], line: Mapping[str, Any]) -> Row:
    seed = parameters.get(SEED)
    has_seed = isinstance(seed, int) and not isinstance(seed, bool)
    return Row(
        run_id=record["run"],
        setting={name: parameters[name] for name in parameters if not (has_seed and name == SEED)},
        seed=seed if has_seed else None,
        purpose=record["purpose"],
        state=record["status"],
        results={name: result_from_json(name, each) for name, each in record["results"].items()},
        duration_s=line.get("duration_s"),
        cpu_s=line.get("cpu_s"),
        error=line["error"],
    )


def _summary(runs: Sequence[Row]) -> Summary:
    done = [run for run in runs if run.state == "ok"]
    done.sort(key=lambda run: (run.seed is not None, run.seed or 0))
    failed = sum(run.state == "failed" for run in runs)
    results = dict(done[0].results) if len(done) == 1 else _means(done)
    open_ = len(runs) - len(done) - failed
    return Summary(runs[0].setting, tuple(done), failed, open_, results, over_seeds=len(done) > 1)


def _means(runs: Sequence[Row]) -> dict[str, Result]:
    """Return the mean of each result over runs; none that no float holds."""
    results: dict[str, list[Result]] = {}
    for run in runs:
        for name, result in run.results.items():
            results.setdefault(name, []).append(result)
    means = {name: _mean(each) for name, each in results.items()}
    return {name: mean for name, mean in means.items() if mean is not None}


def _mean(results: Sequence[Result]) -> Result | None:
    values = [result.value for result in results]
    kind = min((result.kind for result in results), key=WEAKEST_FIRST.index)
    if len(set(values)) == 1:
        value = low = high = values[0]
    else:
        with np.errstate(all="ignore"):
            interval = stats.mean_interval(values)
        value, low, high = interval.value, interval.low, interval.high
        kind = "measured" if kind == "counted" else kind
    if kind in ("modelled", "assumed"):
        low = min(low, sum(result.low for result in results) / len(results))
        high = max(high, sum(result.high for result in results) / len(results))
    is_finite = all(map(math.isfinite, (value, low, high)))
    return Result(value, low, high, n=len(results), kind=kind) if is_finite else None


def _summary_table(
    summaries: Sequence[tuple[Purpose, Summary]],
) -> tuple[list[str], list[dict[str, Any]]]:
    results = dict.fromkeys(name for _, each in summaries for name in each.results)
    of_results = [f"{name}_{field}" for name in results for field in FIELDS]
    taken = {*COUNTS, *of_results}
    parameters = {
        name: f"{name}_parameter" if name in taken else name
        for _, each in summaries
        for name in each.setting
    }
    rows = []
    for purpose, each in summaries:
        row = {parameters[name]: value for name, value in each.setting.items()}
        row |= {"purpose": purpose, "runs": len(each.rows)}
        row |= {"failed": each.failed, "open": each.open}
        if each.results:
            row["interval"] = "over seeds" if each.over_seeds else "of one run"
        for name, result in each.results.items():
            row |= {f"{name}_{field}": getattr(result, of) for field, of in FIELDS.items()}
        rows.append(row)
    return [*parameters.values(), *COUNTS, *of_results], rows


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    safe = functools.cache(safe_cell)

    def cell(value: Any) -> Any:
        if isinstance(value, list | tuple):
            value = json.dumps(value)
        return safe(value) if isinstance(value, str) else value

    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(cell, columns))
    writer.writerows([cell(row.get(name)) for name in columns] for row in rows)
    return file.getvalue()


def _write_parquet(
    path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> list[Path]:
    """Write rows as Parquet if pyarrow is there and return the path; an older file goes anyway."""
    path.unlink(missing_ok=True)
    if importlib.util.find_spec("pyarrow") is None:
        return []
    import pandas as pd  # noqa: PLC0415 - half a second, and only Parquet needs it

    texts = [
        {name: json.dumps(x) if isinstance(x, tuple) else x for name, x in row.items()}
        for row in rows
    ]
    part = path.with_name(f".{path.name}")
    try:
        pd.DataFrame(texts, columns=list(columns)).to_parquet(part, engine="pyarrow", index=False)
        return [part.replace(path)]
    except ImportError:  # too old for pandas
        return []
    finally:
        part.unlink(missing_ok=True)
