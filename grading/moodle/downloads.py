"""Sorts the entries of Moodle's "Download all submissions" by whom they are from.

Every entry ends in exactly one place: in the slot of a person or team, or among the leftovers with
a reason; only what systems leave behind (``__MACOSX``) is dropped. What a slot holds is judged in
`grading.moodle.contents`; nothing is read here but the list of entries.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from grading.moodle.archives import Entry, Refused
from grading.moodle.file_names import is_junk
from grading.moodle.names import FILE, ONLINE_TEXT, EntryName, comparable, parse

_Item = Entry | Refused
_Key = tuple[int | None, str]
_Named = tuple[EntryName, _Item]
_Attempt = tuple[int, EntryName, _Item]
NOT_MOODLE = "is not named as Moodle names what is handed in"


@dataclass(frozen=True)
class Slot:
    """What one person or team handed in.

    Parameters
    ----------
    name
        The name in the download; "Participant" where marking is blind.
    number
        Moodle's number of the person or team; None for the team of those without a group.
    folder
        Folder in the download, under which Moodle takes the feedback.
    files
        What was handed in as files, by path within the hand-in.
    online
        What was typed into Moodle.
    notes
        What a person should know.
    """

    name: str
    number: int | None
    folder: str
    files: tuple[_Item, ...] = ()
    online: tuple[Entry, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def modified(self) -> tuple[int, ...]:
        """Date of the newest file; empty if there is none."""
        return max((_modified(item) for item in (*self.files, *self.online)), default=())


@dataclass(frozen=True)
class Sorted:
    """A download, sorted.

    Parameters
    ----------
    slots
        By number, then name.
    leftovers
        What belongs to nobody, each with its reason.
    """

    slots: tuple[Slot, ...]
    leftovers: tuple[Refused, ...]


def sort(items: Sequence[_Item], folders: Iterable[str] = ()) -> Sorted:
    """Sort the entries of a download, also of one that was unpacked and packed again.

    Parameters
    ----------
    items
        The files.
    folders
        The folders, so that an empty one counts as a hand-in.
    """
    names = [*folders, *(item.path for item in items)]
    around = _around(names)
    groups: dict[_Key, list[_Named]] = {}
    empty: dict[_Key, EntryName] = {}
    leftovers = []
    for folder in folders:
        if name := parse(folder.removeprefix(around)):
            empty.setdefault(_key(name), name)
    for item in items:
        if name := parse(item.path.removeprefix(around)):
            groups.setdefault(_key(name), []).append((name, item))
        elif not is_junk(item.path):
            reason = item.reason if isinstance(item, Refused) else NOT_MOODLE
            leftovers.append(Refused(item.path, reason))
    slots = [_slot(group) for group in groups.values()]
    slots += [_empty_slot(name) for key, name in empty.items() if key not in groups]
    slots.sort(key=lambda slot: (slot.number is None, slot.number or 0, comparable(slot.name)))
    return Sorted(tuple(_with_shared_numbers(slots)), tuple(leftovers))


def _around(names: list[str]) -> str:
    """Return the folder around everything, with its slash, if only its insides are Moodle's."""
    work = [name for name in names if not is_junk(name)]
    tops = {name.partition("/")[0] for name in work}
    if len(tops) != 1 or any(parse(name) for name in work):
        return ""
    return f"{tops.pop()}/"


def _key(name: EntryName) -> _Key:
    return name.number, comparable(name.name)


def _empty_slot(name: EntryName) -> Slot:
    return Slot(name.name, name.number, name.folder)


def _slot(group: list[_Named]) -> Slot:
    notes: list[str] = []
    files = _latest(_attempts([named for named in group if named[0].plugin == FILE]), notes)
    typed = [(0, *named) for named in group if named[0].plugin == ONLINE_TEXT]
    online = _latest(typed, notes)
    others = [
        Refused(name.path, f"was handed in as {name.plugin!r}, which is not read")
        for name, _ in group
        if name.plugin not in (FILE, ONLINE_TEXT)
    ]
    placed = [replace(item, path=name.path) for name, item in (*files, *online)]
    refused = [item for item in placed[len(files) :] if isinstance(item, Refused)]
    texts = [item for item in placed[len(files) :] if isinstance(item, Entry)]
    first = (files or online or group)[0][0]
    found = (*placed[: len(files)], *refused, *others)
    return Slot(first.name, first.number, first.folder, found, tuple(texts), tuple(notes))


def _attempts(files: list[_Named]) -> list[_Attempt]:
    """Return the files with the attempt they are of: folders ``attempt1``, ``attempt2``, ...

    Only where nothing lies outside them: a student's own folder of that name is just a folder.
    """
    counted = [name.attempt for name, _ in files]
    if not all(attempt for attempt, _ in counted):
        return [(0, name, item) for name, item in files]
    return [
        (attempt, replace(name, path=path), item)
        for (attempt, path), (name, item) in zip(counted, files, strict=True)
    ]


def _latest(found: list[_Attempt], notes: list[str]) -> list[_Named]:
    """Return the files of the latest attempt, and say so if there are several.

    Moodle itself packs the latest attempt only. Several meet where downloads were put together:
    the same person under two spellings of the folder, or the same path twice.
    """
    newest: dict[tuple[int, str], tuple[int, ...]] = {}
    for attempt, name, item in found:
        key = attempt, name.folder
        newest[key] = max(newest.get(key, ()), _modified(item))
    if len(newest) > 1:
        notes.append(f"{len(newest)} attempts in the download; the latest counts")
    latest = max(newest, key=lambda key: (key[0], newest[key], key[1]), default=None)
    by_path: dict[str, _Named] = {}
    kept = [(name, item) for attempt, name, item in found if (attempt, name.folder) == latest]
    for name, item in kept:
        before = by_path.get(name.path)
        if before is None or _modified(before[1]) <= _modified(item):
            by_path[name.path] = name, item
    if len(by_path) < len(kept):
        notes.append("a file is in the download more than once; the latest counts")
    return list(by_path.values())


def _modified(item: _Item) -> tuple[int, ...]:
    return item.modified if isinstance(item, Entry) else ()


def _with_shared_numbers(slots: list[Slot]) -> Iterable[Slot]:
    """Say of which slots Moodle's number is not theirs alone."""
    numbers = Counter(slot.number for slot in slots)
    for slot in slots:
        if slot.number is not None and numbers[slot.number] > 1:
            note = f"the number {slot.number} stands for more than one name in the download"
            yield replace(slot, notes=(*slot.notes, note))
        else:
            yield slot
