"""Where the runs of a sweep come from: facts for its report, each as lines of text.

Facts that all runs share are said once; of those that differ it is said how many runs have which.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from course_utils import units
from course_utils.records import Result
from labs.engine.pages import plural
from labs.engine.sweeps.folder import Asking, SweepFolder
from labs.engine.sweeps.layout import shown

Record = Mapping[str, Any]
Facts = dict[str, list[str]]
_DIGITS = 12  # of a hash
_NOT_KEPT = "not kept by git"


def facts_of(asking: Asking, records: Sequence[Record]) -> Facts:
    """Return what decided the results of some runs.

    Parameters
    ----------
    asking
        How they were asked for.
    records
        Of the runs that are over.
    """
    origin = asking.origins.get(asking.origin, {})
    provenances = [record["provenance"] for record in records]
    modules = origin.get("modules", {})
    facts = {
        "Data": list(dict.fromkeys(name for each in provenances for name in each.get("data", []))),
        "Parameters that all runs share": _shared(record["parameters"] for record in records),
        "Commit": _counted(_commit(each) for each in provenances),
        "Notebook": _distinct(provenances, "notebook"),
        "Hash of its cells": [str(origin.get("notebook", ""))[:_DIGITS]],
        "Hashes of the code it can import": [f"{x}: {modules[x][:_DIGITS]}" for x in modules],
        "Versions": [f"{name} {x}" for name, x in origin.get("versions", {}).items()],
        "Machine": _counted(_machine(each.get("machine") or {}) for each in provenances),
        "Threads of a run": [str(asking.threads)] if asking.threads else [],
        "Time": _time(provenances),
    }
    return {name: lines for name, lines in facts.items() if any(lines)}


def data_of(records: Iterable[Record]) -> str:
    """Return the names of the data sets behind some runs."""
    return ", ".join(
        dict.fromkeys(x for each in records for x in each["provenance"].get("data", []))
    )


def costs_of(costs: Mapping[str, Result]) -> list[str]:
    """Return results such as an energy with what kind they are.

    Examples
    --------
    >>> costs_of({"energy_j": Result(2.0, 1.0, 3.0, n=1, kind="modelled")})
    ['energy_j: 2 J [1, 3], modelled']
    """
    return [f"{name}: {each.describe(name)}, {each.kind}" for name, each in costs.items()]


def earlier_runs(folder: SweepFolder) -> list[str]:
    """Say how many runs were asked for under other circumstances, and what has changed since."""
    asking = folder.asking
    counts = Counter(run.origin for run in folder.asked.values())
    now = _flat(asking.origins.get(asking.origin, {}))
    said = []
    for origin, count in counts.items():
        if origin == asking.origin:
            continue
        then = _flat(asking.origins.get(origin, {}))
        changed = [
            f"{name} ({then.get(name, 'none')}, now {now.get(name, 'none')})"
            for name in dict.fromkeys((*then, *now))
            if then.get(name) != now.get(name)
        ]
        of_them = f"{plural(count, 'run')} left out"
        said.append(f"{of_them}. Changed since: {', '.join(changed) or 'unknown'}.")
    return said


def _flat(origin: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts of an origin as texts, in words."""
    if not origin:
        return {}
    code = {f"code of {name}": x[:_DIGITS] for name, x in origin["modules"].items()}
    versions = {f"version of {name}": x for name, x in origin["versions"].items()}
    cells = {"cells of the notebook": origin["notebook"][:_DIGITS]}
    return cells | code | versions | {"threads": str(origin["threads"])}


def _shared(parameters: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the parameters that have one value in all runs."""
    found: dict[str, set[str]] = {}
    for each in parameters:
        for name, value in each.items():
            found.setdefault(name, set()).add(shown(value))
    return [f"{name} = {min(texts)}" for name, texts in found.items() if len(texts) == 1]


def _counted(texts: Iterable[str]) -> list[str]:
    """Return distinct texts, the most frequent first, with their counts if there are several."""
    counts = Counter(texts).most_common()
    return [f"{text}: {plural(n, 'run')}" if counts[1:] else text for text, n in counts]


def _commit(provenance: Mapping[str, Any]) -> str:
    git = provenance.get("git")
    if not git:
        return _NOT_KEPT
    return str(git["commit"])[:_DIGITS] + (" and changes not committed" if git["dirty"] else "")


def _machine(machine: Mapping[str, Any]) -> str:
    """Return a machine in one line."""
    if "processor" not in machine:
        return f"unknown: {machine.get('unknown', 'not recorded')}"
    gpus = machine.get("gpus") or ["no GPU"]
    parts = [machine["processor"], f"{machine.get('cores', '?')} cores"]
    parts.append(units.format_bytes(machine.get("memory_bytes", 0)))
    return ", ".join([*parts, *gpus, machine.get("system", "")])


def _distinct(provenances: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    return list(dict.fromkeys(str(each[name]) for each in provenances if name in each))


def _time(provenances: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say when runs began, and what they took."""
    started = sorted(_distinct(provenances, "started"))
    lines = [f"first run begun {started[0]}, last {started[-1]}"] if started else []
    for name, words in (("duration_s", "of wall time"), ("cpu_s", "of processor time")):
        taken = [each[name] for each in provenances if name in each]
        if taken:
            total, mean = (units.format_number(x) for x in (sum(taken), sum(taken) / len(taken)))
            lines.append(f"{total} s {words} in {len(taken):,} runs, {mean} s a run")
    return lines
