"""Compares two sweeps: what changed from one to the other, and what came of it.

Settings are matched by the parameters that vary within a sweep, the runs of a setting by their
seed. What is the same in all runs of a sweep and differs in the other is what changed. A verdict is
given on paired runs alone, and corrected for all comparisons that are made together. Only finished
runs of the present origin count, and no fresh ones. Nothing is run or written here.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from course_utils.stats import Interval
from labs.engine.catalog import did_you_mean
from labs.engine.errors import UsageError
from labs.engine.sweeps.comparison import Change, Comparison, Difference, Verdict
from labs.engine.sweeps.folder import SweepFolder
from labs.engine.sweeps.pairs import Pairs, judge, pair
from labs.engine.sweeps.settings import SEED

Record = Mapping[str, Any]
ABSENT = "none"
HASH_DIGITS = 12
LEVEL = 0.95


@dataclass(frozen=True)
class _Group:
    """Runs of a setting: seed -> results of the run, as a record has them."""

    setting: dict[str, Any]
    runs: dict[int | None, Record]


@dataclass(frozen=True)
class _Cell:
    """A comparison before its verdict: the values of a result, and of them those with equal seeds.

    It is exact where the result is a count that no seed changes.
    """

    setting: Mapping[str, Any]
    result: str
    a: tuple[float, ...]
    b: tuple[float, ...]
    pairs: Pairs | None
    is_exact: bool


def compare(a: SweepFolder, b: SweepFolder, *, results: Sequence[str] = ()) -> Comparison:
    """Return how sweep B differs from sweep A.

    Parameters
    ----------
    a, b
        Folders of two sweeps. Of different notebooks, what they have in common is compared.
    results
        Names of the results to compare: the fewer, the fewer seeds a verdict needs. If not given,
        those that matter most to the sweeps, else all that both have.

    Raises
    ------
    UsageError
        If they are the same folder, one has no finished run, or a result is not in both.
    """
    if a.path.resolve() == b.path.resolve():
        raise UsageError(f"{a.path} and {b.path} are the same sweep; give two")
    records_a, records_b = _finished(a), _finished(b)
    common = _common_results(records_a, records_b)
    _check_results(results, common)
    chosen = list(dict.fromkeys(results or (*a.asking.results, *b.asking.results)))
    chosen = [name for name in chosen if name in common] or common
    varying = _varying(records_a, records_b)
    groups_a, groups_b = _groups(records_a, varying), _groups(records_b, varying)
    cells = [
        cell
        for key, group in groups_a.items()
        if key in groups_b
        for name in chosen
        if (cell := _cell(name, group, groups_b[key])) is not None
    ]
    differences, tests = _differences(cells)
    return Comparison(
        a=_line(a, records_a),
        b=_line(b, records_b),
        changes=_changes(_facts(a, records_a, varying), _facts(b, records_b, varying)),
        differences=differences,
        tests=tests,
        only_a=tuple(group.setting for key, group in groups_a.items() if key not in groups_b),
        only_b=tuple(group.setting for key, group in groups_b.items() if key not in groups_a),
        left_out=tuple(name for name in common if name not in chosen),
    )


def welch_interval(a: Sequence[float], b: Sequence[float]) -> Interval | None:
    """Return the difference of the means of ``b`` and ``a``, which are not paired, with 95 %.

    Welch's t interval, which takes the spreads of the two for different.

    Parameters
    ----------
    a, b
        Independent values; of fewer than two in either there is no interval, and None comes back.

    Examples
    --------
    >>> found = welch_interval([1, 2, 3], [2, 3, 4, 5])
    >>> f"{found.value} [{found.low:.2f}, {found.high:.2f}]"
    '1.5 [-0.73, 3.73]'
    """
    if min(len(a), len(b)) < 2:
        return None
    shares = [float(np.var(x, ddof=1)) / len(x) for x in (a, b)]  # of the variance
    value, variance = float(np.mean(b) - np.mean(a)), sum(shares)
    half = 0.0
    if variance > 0:
        freedom = variance**2 / sum(
            share**2 / (len(x) - 1) for share, x in zip(shares, (a, b), strict=True)
        )
        half = float(special.stdtrit(freedom, 0.5 + LEVEL / 2)) * math.sqrt(variance)
    return Interval(value, value - half, value + half, len(a) + len(b), LEVEL, "Welch's t")


def _differences(cells: Sequence[_Cell]) -> tuple[tuple[Difference, ...], int]:
    """Return the comparisons with their verdicts, and how many of them were tested."""
    family = [cell.pairs for cell in cells if cell.pairs is not None and not cell.is_exact]
    judged = iter(judge(family))
    return tuple(_difference(cell, judged) for cell in cells), len(family)


def _difference(cell: _Cell, judged: Iterator[tuple[Verdict, float]]) -> Difference:
    a, b, pairs = cell.a, cell.b, cell.pairs
    interval: Interval | None = None
    p_value: float | None = None
    verdict: Verdict
    if cell.is_exact:
        verdict = "equal" if a[0] == b[0] else "exact"
    elif pairs is None:
        interval, verdict = welch_interval(a, b), "not paired"
    else:
        a, b, interval = pairs.a, pairs.b, pairs.interval
        verdict, p_value = next(judged)
    return Difference(
        setting=cell.setting,
        result=cell.result,
        a=float(np.mean(a)),
        b=float(np.mean(b)),
        interval=interval,
        n=pairs.n if pairs else 0,
        p_value=p_value,
        verdict=verdict,
    )


def _cell(name: str, a: _Group, b: _Group) -> _Cell | None:
    """Return the comparison of a result, None if one setting does not have it."""
    found_a, found_b = _values(name, a), _values(name, b)
    if not (found_a and found_b):
        return None
    kinds = {run[name]["kind"] for group in (a, b) for run in group.runs.values() if name in run}
    values_a, values_b = tuple(found_a.values()), tuple(found_b.values())
    return _Cell(
        setting=a.setting,
        result=name,
        a=values_a,
        b=values_b,
        pairs=pair(found_a, found_b),
        is_exact=kinds == {"counted"} and len(set(values_a)) == len(set(values_b)) == 1,
    )


def _values(name: str, group: _Group) -> dict[int | None, float]:
    """Return seed -> value of a result, of the runs that have it."""
    return {seed: run[name]["value"] for seed, run in group.runs.items() if name in run}


def _finished(folder: SweepFolder) -> list[Record]:
    """Return the records of the runs that were asked for and ended well."""
    records = (folder.record(run.id) for run in folder.current.values() if run.purpose == "asked")
    found: list[Record] = [each for each in records if each and each["status"] == "ok"]
    if not found:
        raise UsageError(f"{folder.path} has no run that ended well; go on with that sweep first")
    return found


def _common_results(a: Sequence[Record], b: Sequence[Record]) -> list[str]:
    """Return the results that both sweeps have, in the order of A."""
    names_a, names_b = (dict.fromkeys(n for each in x for n in each["results"]) for x in (a, b))
    common = [name for name in names_a if name in names_b]
    if not common:
        has = [", ".join(names) or "none" for names in (names_a, names_b)]
        raise UsageError(f"the sweeps have no result in common: A has {has[0]}; B has {has[1]}")
    return common


def _check_results(asked: Sequence[str], common: Sequence[str]) -> None:
    for name in asked:
        if name not in common:
            hint = did_you_mean(name, common)
            raise UsageError(f"{name!r} is no result of both{hint} (both: {', '.join(common)})")


def _varying(a: Sequence[Record], b: Sequence[Record]) -> list[str]:
    """Return the parameters that vary within a sweep, the seed left out."""
    names = dict.fromkeys(name for record in (*a, *b) for name in record["parameters"])
    return [
        name
        for name in names
        if name != SEED
        and any(len({_text(each["parameters"].get(name)) for each in x}) > 1 for x in (a, b))
    ]


def _groups(records: Sequence[Record], varying: Sequence[str]) -> dict[str, _Group]:
    """Return the runs by setting; the keys of two sweeps are equal where the settings are."""
    groups: dict[str, _Group] = {}
    for record in records:
        values = record["parameters"]
        setting = {name: values[name] for name in varying if name in values}
        group = groups.setdefault(_text(setting), _Group(setting, {}))
        group.runs[values.get(SEED)] = record["results"]
    return groups


def _facts(
    folder: SweepFolder, records: Sequence[Record], varying: Sequence[str]
) -> dict[str, str]:
    """Return what the runs of a sweep have in common, and where they were made, as texts."""
    asking = folder.asking
    origin = asking.origins.get(asking.origin, {})
    values = records[0]["parameters"]
    facts = {
        "notebook": folder.target,
        "preset": asking.preset or ABSENT,
        **{f"parameter {n}": str(values[n]) for n in values if n not in (*varying, SEED)},
        "the notebook's cells": str(origin.get("notebook", ABSENT))[:HASH_DIGITS],
    }
    for name, digest in origin.get("modules", {}).items():
        facts[f"code of {name}"] = digest[:HASH_DIGITS]
    for name, number in origin.get("versions", {}).items():
        facts[f"version of {name}"] = number
    facts["threads"] = str(origin.get("threads", ABSENT))
    return facts | _places([record["provenance"] for record in records])


def _places(provenances: Sequence[Record]) -> dict[str, str]:
    """Return commit, data and machine of some runs; several of a kind are listed."""
    found: dict[str, set[str]] = {}
    for provenance in provenances:
        git = provenance.get("git")
        commit = git["commit"][:HASH_DIGITS] + " and changes" * git["dirty"] if git else ABSENT
        found.setdefault("commit", set()).add(commit)
        found.setdefault("data", set()).update(provenance.get("data") or [ABSENT])
        machine = provenance.get("machine") or {}
        for name in ("processor", "cores", "gpus", "system"):
            value = machine.get(name, ABSENT)
            text = ", ".join(value) or ABSENT if isinstance(value, list) else str(value)
            found.setdefault(name, set()).add(text)
    return {name: ", ".join(sorted(texts)) for name, texts in found.items()}


def _changes(a: Mapping[str, str], b: Mapping[str, str]) -> tuple[Change, ...]:
    both = [(name, a.get(name, ABSENT), b.get(name, ABSENT)) for name in dict.fromkeys((*a, *b))]
    return tuple(Change(name, old, new) for name, old, new in both if old != new)


def _line(folder: SweepFolder, records: Sequence[Record]) -> str:
    return (
        f"{folder.path}, {folder.target}, {len(records):,} finished run{'s' * (len(records) != 1)}"
    )


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
