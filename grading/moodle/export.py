"""What goes back to Moodle: the worksheet with grades, and a zip of feedback.

Grades go out under the numbers that Moodle gave, joined here and nowhere else to the pseudonyms
under which everything was graded. Where it is not certain whose a grade is, nothing goes out. Nor
does it while a text is unmarked or a flag is open, unless a part is asked for: then those rows stay
as they are. This module decides and builds; `grading.commands.export` reads and writes.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from grading.errors import ExportError
from grading.moodle.identities import Identity
from grading.moodle.names import comparable, feedback_folder
from grading.moodle.worksheet import (
    Mark,
    WorksheetRow,
    can_be_changed,
    maximum_grade,
    read_worksheet,
    with_grades,
)
from grading.moodle.zips import is_safe, zip_bytes
from grading.rules.totals import exact, rounded
from grading.verdict import Verdict

FEEDBACK_FILE = "feedback.html"
_FOLDER = re.compile(r"[^/\\]+_(?P<number>\d+)_assign(?:submission|feedback)_[a-z]+_?")
_SHOWN = 20
_PARTIAL = "--partial exports the others and leaves the rows of these as they are"


@dataclass(frozen=True)
class Graded:
    """One submission with its grade.

    Parameters
    ----------
    verdict
        What came of it, with the points that a person gave in place.
    total, max_total
        Points after the late rule, and all points of the lab.
    late_sentence
        What lateness cost; empty if nothing is to be said.
    """

    verdict: Verdict
    total: float
    max_total: float
    late_sentence: str = ""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it cannot go out yet, each in a sentence; empty if it can."""
        unmarked = [each.exercise for each in self.verdict.exercises if each.points is None]
        texts = [f"the text of {', '.join(unmarked)} is not marked yet"] if unmarked else []
        if self.verdict.status == "needs_marking" and not unmarked:
            texts.append("it is not marked yet")
        return (*texts, *(f"an open flag: {flag}" for flag in self.verdict.flags))


@dataclass(frozen=True)
class Recipient:
    """One person who gets a grade: Moodle's number, the name it gave, and the feedback's folder."""

    number: int
    name: str
    folder: str


@dataclass(frozen=True)
class Collected:
    """What is known of who handed in what.

    Parameters
    ----------
    identities
        Pseudonym -> who is behind it.
    handed_in
        Pseudonyms of those who handed something in.
    worksheet
        Moodle's worksheet as downloaded; None without one.
    newer
        Pseudonyms of those whose latest hand-in is not the one that was graded.
    """

    identities: Mapping[str, Identity]
    handed_in: Collection[str]
    worksheet: bytes | None = None
    newer: Collection[str] = ()


@dataclass(frozen=True)
class Export:
    """What goes out.

    Parameters
    ----------
    worksheet
        The worksheet with the grades; None without one.
    feedback_zip
        The zip of feedback for Moodle.
    graded
        How many people get a grade.
    left_out
        Why a submission does not go out, each in a sentence.
    warnings
        What a person should know.
    """

    worksheet: bytes | None
    feedback_zip: bytes
    graded: int
    left_out: tuple[str, ...]
    warnings: tuple[str, ...]


def export(
    graded: Iterable[Graded],
    collected: Collected,
    *,
    feedback: Callable[[str], bytes],
    is_partial: bool = False,
    is_rescaled: bool = False,
) -> Export:
    """Return what goes back to Moodle.

    Parameters
    ----------
    graded
        Every submission of the lab.
    collected
        Who is behind the pseudonyms, and the worksheet.
    feedback
        Pseudonym -> content of its feedback page.
    is_partial
        Whether to leave out what cannot go out yet, in place of refusing everything.
    is_rescaled
        Whether points are scaled to a maximum grade of the worksheet that is not the lab's.

    Raises
    ------
    ExportError
        Listing every reason why nothing goes out, one line each.
    WorksheetError
        If no grade can be written into the worksheet.
    """
    by_id = {each.verdict.submission: each for each in graded if each.verdict.status != "missing"}
    identities, worksheet = collected.identities, collected.worksheet
    _refuse([*_strangers(by_id, identities), *_shared(by_id, identities)])
    rows = None if worksheet is None else read_worksheet(worksheet).by_number()
    waiting = _waiting(by_id, collected, rows=rows)
    if waiting and not is_partial:
        _refuse([*_lines(waiting), _PARTIAL])
    out = {name: _recipients(identities[name]) for name in by_id if name not in waiting}
    _refuse(_misnamed(out, rows or {}))
    marks: dict[int, Mark] = {}
    if worksheet is not None and out:
        scale = _scale(worksheet, by_id.values(), is_rescaled=is_rescaled)
        marks = {p.number: mark(by_id[name], scale=scale) for name in out for p in out[name]}
    return Export(
        worksheet=None if worksheet is None else with_grades(worksheet, marks),
        feedback_zip=zip_bytes(_pages(out, feedback)),
        graded=sum(map(len, out.values())),
        left_out=tuple(_lines(waiting)),
        warnings=tuple(_locked(marks, rows or {})),
    )


def mark(graded: Graded, *, scale: Fraction = Fraction(1)) -> Mark:
    """Return what is written into a row.

    Parameters
    ----------
    graded
        The submission.
    scale
        Maximum grade of the worksheet over all points of the lab.

    Examples
    --------
    >>> verdict = Verdict("s1", "refused", problem="The zip holds no notebook.")
    >>> mark(Graded(verdict, 0.0, 10.0))
    Mark(points=Decimal('0.0'), feedback='Not graded: The zip holds no notebook.')
    """
    points = Decimal(str(float(rounded(exact(graded.total) * scale, Fraction(1, 100)))))
    return Mark(points, "\n".join(_comment(graded)))


def _comment(graded: Graded) -> Iterator[str]:
    verdict = graded.verdict
    if verdict.status == "refused":
        yield f"Not graded: {verdict.problem}"
        return
    yield f"{graded.total:g} of {graded.max_total:g} points. {graded.late_sentence}".strip()
    for each in verdict.exercises:
        yield f"{each.exercise}: {each.points or 0:g} of {each.max_points:g}"
    yield f"The file {FEEDBACK_FILE} says why."


def _recipients(identity: Identity) -> list[Recipient]:
    """Return the people behind a submission whose number Moodle knows."""
    if identity.members:
        people = [(each.number, each.name, each.folder) for each in identity.members]
    elif identity.is_team:  # its number is that of a group, and may be that of a stranger
        people = []
    else:
        people = [(identity.number, identity.name, identity.folder)]
    return [
        Recipient(number, name, folder) for number, name, folder in people if number is not None
    ]


def _pages(
    out: Mapping[str, Sequence[Recipient]], feedback: Callable[[str], bytes]
) -> dict[str, bytes]:
    """Return path in the zip -> content, under the folders that Moodle reads the numbers from."""
    return {
        f"{_folder(person)}/{FEEDBACK_FILE}": feedback(name)
        for name, people in out.items()
        for person in people
    }


def _folder(person: Recipient) -> str:
    """Return the folder as downloaded; where no zip may hold its name, one with that number."""
    folder = person.folder.strip("/")
    return folder if is_safe(folder) else feedback_folder(person.name, person.number)


def _locked(marks: Iterable[int], rows: Mapping[int, WorksheetRow]) -> Iterator[str]:
    for number in marks:
        if not can_be_changed(rows[number]):
            yield f"number {number}: Moodle has locked this grade and skips it; unlock it there"


def _strangers(graded: Mapping[str, Graded], identities: Mapping[str, Identity]) -> Iterator[str]:
    for name in sorted(set(graded) - set(identities)):
        yield f"{name}: graded, but not in the collection; is this another lab's collection?"


def _shared(graded: Mapping[str, Graded], identities: Mapping[str, Identity]) -> Iterator[str]:
    owner: dict[int, str] = {}
    for name in sorted(set(graded) & set(identities)):
        for person in _recipients(identities[name]):
            if person.number in owner:
                yield f"{name}: number {person.number} has also handed in {owner[person.number]}"
            owner[person.number] = name
            folder = _FOLDER.fullmatch(person.folder.strip("/"))
            if folder is None or int(folder["number"]) != person.number:
                yield f"{name}: its folder for feedback is not that of number {person.number}"


def _waiting(
    graded: Mapping[str, Graded],
    collected: Collected,
    *,
    rows: Mapping[int, WorksheetRow] | None,
) -> dict[str, tuple[str, ...]]:
    """Return the submissions that cannot go out yet, with the reasons."""
    found = {name: each.reasons for name, each in graded.items()}
    for name in graded:
        people = _recipients(collected.identities[name])
        lost = [p.number for p in people if rows is not None and p.number not in rows]
        if not people:
            found[name] += ("nobody is known behind it: collect it with Moodle's worksheet",)
        if name in collected.newer:
            found[name] += ("a newer hand-in is not graded yet: run course grade again",)
        if lost:
            found[name] += (f"number {lost[0]} is not in the worksheet",)
    for name in set(collected.handed_in) - set(graded):
        found[name] = ("handed in and not graded: run course grade again",)
    return {name: found[name] for name in sorted(found) if found[name]}


def _misnamed(
    out: Mapping[str, Sequence[Recipient]], rows: Mapping[int, WorksheetRow]
) -> Iterator[str]:
    """Yield whose number stands beside another name: the worksheet of another assignment."""
    for name, people in out.items():
        for person in people:
            row = rows.get(person.number)
            texts = [person.name, row.name] if row else []
            known = [text for text in texts if text and str(person.number) not in text]
            if len(known) == 2 and comparable(known[0]) != comparable(known[1]):
                yield (
                    f"{name}: number {person.number} has another name in the worksheet; is it the "
                    "worksheet of this assignment?"
                )


def _scale(worksheet: bytes, graded: Iterable[Graded], *, is_rescaled: bool) -> Fraction:
    maximum = Fraction(maximum_grade(worksheet))
    totals = {exact(each.max_total) for each in graded}
    (lab,) = totals
    if lab != maximum and not is_rescaled:
        raise ExportError(
            f"the lab has {float(lab):g} points, Moodle's maximum grade is {float(maximum):g}; "
            "set it there and download the worksheet again, or --rescale the points to it"
        )
    return maximum / lab


def _lines(reasons: Mapping[str, Sequence[str]]) -> Iterator[str]:
    return (f"{name}: {text}" for name, texts in reasons.items() for text in texts)


def _refuse(problems: Iterable[str]) -> None:
    found = list(problems)
    if found:
        shown = found if len(found) <= _SHOWN + 1 else found[:_SHOWN]
        more = [f"and {len(found) - len(shown)} more"] if len(shown) < len(found) else []
        last = [_PARTIAL] if found[-1] == _PARTIAL and more else []
        raise ExportError("\n".join([*shown, *more, *last]))
