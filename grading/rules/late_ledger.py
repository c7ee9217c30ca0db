"""How many late days of the term each person used at which lab: a ledger from lab to lab.

One JSON file a lab in ``.course/late``, readable by its owner only, written whole or not at all; so
two labs can be graded at the same time. It holds pseudonyms and days late, not what was deducted:
what is left for a lab follows from the entries and the order of the deadlines alone, whatever the
order in which labs were graded, and however often. A team spends the days of all its members.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from course_utils.records import write_atomically
from grading.errors import GradingError
from grading.rules.lateness import LateRule, free_days_spent

Spent = dict[tuple[str, str], float]  # (lab, submission) -> free days that it uses


@dataclass(frozen=True)
class Entry:
    """One submission.

    Parameters
    ----------
    people
        Pseudonyms of its people over the term.
    days
        How many days late it was.
    """

    people: tuple[str, ...]
    days: float


@dataclass(frozen=True)
class Ledger:
    """What all labs so far hold: lab -> submission -> entry."""

    labs: Mapping[str, Mapping[str, Entry]] = field(default_factory=dict)

    def with_entries(self, lab: str, entries: Mapping[str, Entry | None]) -> "Ledger":
        """Return the ledger after a lab, or some of its submissions, were graded.

        Parameters
        ----------
        lab
            Name of the lab.
        entries
            Submission -> its entry, with 0 days if it was on time, or None if its lateness is
            unknown. It takes the place of what the lab held for this submission and for the same
            people.
        """
        new = {key: entry for key, entry in entries.items() if entry and entry.days > 0}
        people = {person for entry in entries.values() if entry for person in entry.people}
        kept = {
            key: entry
            for key, entry in self.labs.get(lab, {}).items()
            if key not in entries and people.isdisjoint(entry.people)
        }
        return Ledger({**self.labs, lab: {**kept, **new}})

    def spent(self, deadlines: Mapping[str, datetime], rule: LateRule) -> Spent:
        """Return the free days that every submission uses.

        Parameters
        ----------
        deadlines
            Name of a lab -> its usual deadline; labs without one come last, by name.
        rule
            The course's late rule, with the budget.
        """
        used: dict[str, float] = {}
        spent: Spent = {}
        for lab in sorted(self.labs, key=lambda name: _place(name, deadlines)):
            for submission, entry in sorted(self.labs[lab].items()):
                left = free_days_left(entry.people, used, rule=rule)
                days = free_days_spent(entry.days, rule, free_days_left=left)
                spent[lab, submission] = days
                for person in entry.people:
                    used[person] = used.get(person, 0.0) + days
        return spent


def free_days_left(people: Collection[str], used: Mapping[str, float], *, rule: LateRule) -> float:
    """Return what is left for a team: what is left for the member who has least.

    Parameters
    ----------
    people
        Pseudonyms; without one nothing is left, as nothing could be kept.
    used
        Person -> days used so far.
    rule
        The course's late rule.
    """
    return max(0.0, min((rule.free_days - used.get(p, 0.0) for p in people), default=0.0))


def changed(before: Spent, after: Spent, *, lab: str) -> list[tuple[str, str]]:
    """Return the submissions of other labs whose free days are others now: grade them again.

    Parameters
    ----------
    before, after
        From `Ledger.spent`.
    lab
        The lab that was graded.
    """
    return sorted(
        key
        for key in before.keys() | after.keys()
        if key[0] != lab and before.get(key, 0.0) != after.get(key, 0.0)
    )


def read_ledger(folder: Path) -> Ledger:
    """Return the ledger in a folder; an empty one if there is none.

    Raises
    ------
    GradingError
        If a file in it was changed by hand or cut short.
    """
    if not folder.is_dir():
        return Ledger()
    return Ledger({path.stem: _read(path) for path in sorted(folder.glob("*.json"))})


def write_lab(folder: Path, ledger: Ledger, *, lab: str) -> Path:
    """Write what the ledger holds about one lab, and return the file."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    entries = {
        submission: {"people": sorted(entry.people), "days": entry.days}
        for submission, entry in sorted(ledger.labs.get(lab, {}).items())
    }
    path = folder / f"{lab}.json"
    write_atomically(path, json.dumps({"late": entries}, indent=1, sort_keys=True) + "\n")
    path.chmod(0o600)
    return path


def _place(lab: str, deadlines: Mapping[str, datetime]) -> tuple[bool, datetime, str]:
    deadline = deadlines.get(lab)
    if deadline is None:
        return True, datetime.max.replace(tzinfo=UTC), lab
    return False, deadline.astimezone(UTC), lab


def _read(path: Path) -> dict[str, Entry]:
    try:
        entries: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["late"]
        return {
            str(submission): Entry(tuple(map(str, entry["people"])), float(entry["days"]))
            for submission, entry in entries.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise GradingError(
            f"{path} is no ledger of late days; delete it and grade the lab again"
        ) from err
