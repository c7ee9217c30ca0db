"""How late every submission of a lab is, and what that costs: the late rule put to work.

Deadlines come from course.toml and the file of extensions, times from Moodle's worksheet, free days
of the term from the ledger. What is unknown costs nothing. Nothing is written here but the ledger.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from grading.course import Course
from grading.moodle.identities import Identity
from grading.moodle.worksheet import WorksheetRow
from grading.rules.extensions import keys_of, match, only_in_moodle, read_extensions
from grading.rules.late_ledger import Entry, Ledger, changed, read_ledger, write_lab
from grading.rules.lateness import Lateness, late_days, penalty
from grading.store import Handed
from labs.engine.catalog import Lab

LEDGER = "late"  # the folder of the ledger, in the state of the course


@dataclass(frozen=True)
class LateRoll:
    """What lateness comes to in a lab.

    Parameters
    ----------
    late
        Id of a submission -> how late it is and what that costs.
    ledger
        The late days of the term with those of this lab in it.
    warnings
        What a person should look at, each a sentence.
    """

    late: Mapping[str, Lateness]
    ledger: Ledger
    warnings: tuple[str, ...]


def late_roll(
    course: Course,
    lab: Lab,
    *,
    handed: Iterable[Handed],
    identities: Mapping[str, Identity],
    rows: Iterable[WorksheetRow] = (),
) -> LateRoll:
    """Return how late every submission is.

    Parameters
    ----------
    course, lab
        The course, with its late rule, and the lab.
    handed
        The submissions.
    identities
        Id -> who is behind it, for the file of extensions; without an entry, the id alone counts.
    rows
        Moodle's worksheet, for extensions that were granted there.

    Raises
    ------
    ExtensionsError
        If the file of extensions is not as documented.
    """
    everyone = list(handed)
    names = [each.name for each in course.labs]
    extensions = read_extensions(course.extensions_file, zone=course.zone, labs=names)
    people = {each.id: keys_of(each.id, _fields(identities.get(each.id))) for each in everyone}
    matched = match(extensions, people, lab=lab.name)
    usual, rule = course.deadline(lab), course.late
    days = {
        each.id: late_days(each.submitted, matched.deadline(each.id, usual), rule=rule)
        for each in everyone
    }
    before = read_ledger(course.state / LEDGER)
    entries = {each.id: _entry(each, days[each.id]) for each in everyone}
    ledger = before.with_entries(lab.name, entries)
    spent = ledger.spent(course.deadlines, rule)
    late = {
        name: penalty(late, rule, free_days_left=spent.get((lab.name, name), 0.0))
        for name, late in days.items()
    }
    others = changed(before.spent(course.deadlines, rule), spent, lab=lab.name)
    file, numbers = course.extensions_file.name, _keys_by_number(identities)
    strange = (each.submission for each in matched.unmatched)
    warnings = (
        *(f"{file}: {name} fits no submission of {lab.name}" for name in strange),
        *only_in_moodle(rows, extensions, lab=lab.name, usual=usual, pseudonyms=numbers),
        *(f"free days of {name} in {other} change: grade {other} again" for other, name in others),
    )
    return LateRoll(late, ledger, warnings)


def keep(roll: LateRoll, *, course: Course, lab: Lab) -> None:
    """Write the late days of a lab into the ledger, if the rule has free days to keep."""
    if course.late.free_days > 0:
        write_lab(course.state / LEDGER, roll.ledger, lab=lab.name)


def _keys_by_number(identities: Mapping[str, Identity]) -> dict[int, Collection[str]]:
    """Return Moodle's number -> what may stand for that person in the file of extensions."""
    return {
        member.number: keys_of(name, _fields(identity))
        for name, identity in identities.items()
        for member in identity.members
        if member.number is not None
    }


def _fields(identity: Identity | None) -> Mapping[str, object] | None:
    return None if identity is None else dataclasses.asdict(identity)


def _entry(handed: Handed, days: float | None) -> Entry | None:
    return None if days is None else Entry(handed.person, days)
