"""Who handed in what: pseudonyms, the people behind them, and the one file that knows both.

From here on grading knows pseudonyms only. A pseudonym is an HMAC of Moodle's number under the
course's secret: the same at every collection, and of no use to who lacks the secret.
``identities.json`` joins them to names again when results go back; only its owner can read it.
"""

import base64
import dataclasses
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from grading.errors import GradingError
from grading.moodle.archives import Refused
from grading.moodle.downloads import Slot
from grading.moodle.names import comparable, comparable_team, feedback_folder
from grading.private_files import write_private

IDENTITIES = "identities.json"
_USERNAMES = ("username", "anmeldename", "nutzername", "benutzername")


class Row(Protocol):
    """What is needed of a row of Moodle's worksheet."""

    @property
    def number(self) -> int:
        """Moodle's number of the person."""

    @property
    def name(self) -> str:
        """Full name; empty where marking is blind."""

    @property
    def status(self) -> str:
        """Moodle's words about the hand-in."""

    @property
    def extension(self) -> str | None:
        """Until when more time was given, by these words; None without an extension."""

    @property
    def group(self) -> str:
        """The team; empty without one."""

    @property
    def email(self) -> str:
        """Address; empty if the worksheet has none."""

    @property
    def id_number(self) -> str:
        """Number of the student at the university; empty if the worksheet has none."""

    @property
    def submitted(self) -> datetime | None:
        """When it was last changed, in the course's time zone and without naming it."""

    @property
    def fields(self) -> Mapping[str, str]:
        """Every cell by its header."""


@dataclass(frozen=True)
class Member:
    """One person behind a submission.

    Parameters
    ----------
    number
        Moodle's number, as in the worksheet; None if unknown.
    name, email, id_number
        As in the worksheet; empty if unknown.
    folder
        Folder under which Moodle takes this person's feedback; empty if unknown.
    person
        Pseudonym over the term; empty if nothing tells who it is.
    """

    number: int | None
    name: str
    email: str
    id_number: str
    folder: str
    person: str


@dataclass(frozen=True)
class Identity:
    """Who is behind one pseudonym.

    Parameters
    ----------
    submission
        The pseudonym.
    name, number, folder
        As in the download; of somebody who handed in nothing, as in the worksheet.
    is_team
        Whether a team handed in together.
    members
        The people; of a team without a worksheet nobody is known.
    """

    submission: str
    name: str
    number: int | None
    folder: str
    is_team: bool
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Match:
    """A hand-in and the rows of the worksheet that it is of.

    Parameters
    ----------
    slot
        What was handed in; None if nothing was.
    rows
        The people's rows; several for a team, none if the worksheet does not know them.
    is_team
        Whether it is a team's.
    """

    slot: Slot | None
    rows: tuple[Row, ...]
    is_team: bool = False


def match(slots: Sequence[Slot], rows: Sequence[Row]) -> list[Match]:
    """Join what was handed in to the worksheet, and add those who handed in nothing.

    People join by number. A team's number is of another kind and may equal a person's, so a team
    joins by its name, and where a worksheet has teams a number must come with a fitting name.
    """
    free = {row.number: row for row in rows}
    teams: dict[str, list[Row]] = {}
    for row in rows:
        teams.setdefault(comparable_team(row.group), []).append(row)
    has_teams = any(teams)
    matches = []
    for slot in slots:
        person = None if slot.number is None else free.get(slot.number)
        if person and (_is_same(person.name, slot.name) or not (has_teams and person.name)):
            found, is_team = [person], False
        else:
            of_nobody = teams.get("", []) if slot.number is None else []
            team = [*teams.get(comparable_team(slot.name), []), *of_nobody] if has_teams else []
            found = [row for row in team if row.number in free]
            is_team = bool(found) or slot.number is None
        matches.append(Match(slot, tuple(found), is_team))
        for row in found:
            free.pop(row.number, None)
    return [*matches, *(Match(None, (row,)) for row in free.values())]


def _is_same(first: str, second: str) -> bool:
    """Return whether one name holds all words of the other: sites put a username in front."""
    a, b = set(comparable(first).split()), set(comparable(second).split())
    return bool(a and b) and (a <= b or b <= a)


def pseudonyms(secret: bytes, lab: str, *, matches: Iterable[Match]) -> list[str]:
    """Return one pseudonym a match, each only once.

    Parameters
    ----------
    secret
        The course's secret.
    lab
        Name of the lab: in another lab the same number gives another pseudonym.
    matches
        What was handed in, and who handed in nothing.
    """
    used: dict[str, None] = {}
    for each in matches:
        number = each.slot.number if each.slot else each.rows[0].number
        name = comparable(each.slot.name if each.slot else each.rows[0].name)
        plain = _hmac(secret, lab, "number", str(number)) if number is not None else ""
        found = plain if plain and plain not in used else _hmac(secret, lab, str(number), name)
        while found in used:
            found = _hmac(secret, lab, found)
        used[found] = None
    return list(used)


def identify(secret: bytes, submission: str, *, of: Match) -> Identity:
    """Return who is behind a pseudonym.

    Parameters
    ----------
    secret
        The course's secret.
    submission
        The pseudonym.
    of
        What was handed in, and by whom.
    """
    members = tuple(_member(secret, row, None if of.is_team else of.slot) for row in of.rows)
    if of.slot is None:
        row = of.rows[0]
        folder = feedback_folder(row.name, row.number)
        return Identity(submission, row.name, row.number, folder, False, members)
    slot = of.slot
    return Identity(submission, slot.name, slot.number, slot.folder, of.is_team, members)


def _member(secret: bytes, row: Row, slot: Slot | None) -> Member:
    folder = feedback_folder(row.name, row.number) if slot is None else slot.folder
    person = person_key(secret, row)
    return Member(row.number, row.name, row.email, row.id_number, folder, person)


def person_key(secret: bytes, row: Row) -> str:
    """Return a person's pseudonym over the term, or an empty text if the row names nobody."""
    username = next((v for k, v in row.fields.items() if k.casefold() in _USERNAMES), "")
    known = {"mail": row.email, "id": row.id_number, "user": username, "name": row.name}
    for kind, value in known.items():
        if words := " ".join(value.casefold().split()):
            return _hmac(secret, "person", kind, words)
    return ""


def _hmac(secret: bytes, *parts: str) -> str:
    """Return ten letters and digits, after a letter: 50 bits are enough for any course."""
    # Lengths go in too, so that ("a", "bc") and ("ab", "c") differ.
    coded = [part.encode("utf-8", "surrogatepass") for part in ("pseudonym", *parts)]
    text = b"".join(len(part).to_bytes(4, "big") + part for part in coded)
    digest = hmac.new(secret, text, hashlib.sha256).digest()
    return "s" + base64.b32encode(digest)[:10].decode().lower()


def write_identities(
    path: Path, identities: Iterable[Identity], *, leftovers: Iterable[Refused] = ()
) -> None:
    """Write the file that joins pseudonyms to people; others cannot read it.

    Parameters
    ----------
    path
        Where to.
    identities
        Who is behind the pseudonyms.
    leftovers
        Entries of the download that belong to nobody: their names may name people.
    """
    by_pseudonym = {each.submission: each for each in identities}
    known = {key: dataclasses.asdict(by_pseudonym[key]) for key in sorted(by_pseudonym)}
    left = [dataclasses.asdict(item) for item in leftovers]
    content = {"submissions": known, "leftovers": left}
    text = json.dumps(content, indent=1, ensure_ascii=True)
    write_private(path, text.encode() + b"\n")


def read_identities(path: Path) -> dict[str, Identity]:
    """Return who is behind each pseudonym.

    Raises
    ------
    GradingError
        If the file is not as `write_identities` left it.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {key: _identity(fields) for key, fields in content["submissions"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise GradingError(f"{path} is damaged ({err!r}); collect the download again") from err


def _identity(fields: Mapping[str, Any]) -> Identity:
    members = tuple(Member(**member) for member in fields["members"])
    found = Identity(**{**fields, "members": members})
    if not re.fullmatch(r"[\w.-]+", found.submission):
        raise ValueError(found.submission)
    return found
