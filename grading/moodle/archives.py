"""Reads zip archives that nobody vouches for: what is in them, and what is refused and why.

No name from an archive ever reaches the disk, and nothing is unpacked that is not asked for: an
archive gives a list of entries, and an entry gives its bytes up to a limit. Judging what a
submission holds is not done here but in `grading.moodle.contents`.
"""

import contextlib
import io
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from course_utils.units import format_bytes
from grading.errors import ArchiveError
from grading.moodle.file_names import is_junk, name_problem, shown

_MI = 1 << 20
_CHUNK_BYTES = 1 << 16
_LOCAL_HEADER_BYTES = 30  # without name and extra fields: the least that an entry takes
_LARGE_END_BYTES = 76  # end of the directory and its locator, where sizes need more than 4 bytes
_DIRECTORY_ENTRY = b"PK\x01\x02"
_RATIO_FLOOR_BYTES = _MI  # a short text may well shrink a thousandfold
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # zipfile reads the others without a bound
# What zipfile was seen to raise on damaged or hostile content.
_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)
_MAGIC = {
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
}
_OTHER_ARCHIVES = frozenset(
    "7z bz2 cab dmg gz iso lz rar tar tbz tgz txz xz zipx zst".split()  # noqa: SIM905 - a list
)


@dataclass(frozen=True)
class Caps:
    """How much of an archive is read.

    Parameters
    ----------
    members
        Most entries; nested archives count together with what they lie in.
    member_bytes
        Largest entry that is read, unpacked.
    total_bytes
        Most bytes that are unpacked in all.
    ratio
        An entry that unpacks to more than this many times its size is refused.
    depth
        How deep archives may lie in archives.
    """

    members: int = 10_000
    member_bytes: int = 256 * _MI
    total_bytes: int = 256 * _MI
    ratio: int = 200
    depth: int = 3


SUBMISSION = Caps()
# Moodle made the outer archive; what its entries unpack to counts for the submission they are of.
DOWNLOAD = Caps(members=200_000, total_bytes=1 << 50)


@dataclass(frozen=True)
class Entry:
    """One file that can be read.

    Parameters
    ----------
    path
        Where it lies, with ``/`` between folders; of a file in a nested archive after the path of
        that archive.
    size_bytes
        Its size as declared.
    modified
        Year, month, day, hour, minute and second as declared, for comparing; may be no real date.
    load
        Returns its content, or raises ArchiveError if that is longer than the argument.
    """

    path: str
    size_bytes: int
    modified: tuple[int, ...]
    load: Callable[[int], bytes]


@dataclass(frozen=True)
class Refused:
    """One file that is not read, and why, in words that follow its name."""

    path: str
    reason: str


class Budget:
    """What may still be read of one submission, however its archives are nested."""

    def __init__(self, caps: Caps = SUBMISSION) -> None:
        self.caps = caps
        self._left_bytes = caps.total_bytes
        self._left_members = caps.members

    def read(self, entry: Entry, limit_bytes: int | None = None) -> bytes:
        """Return the content of an entry and take it off the budget.

        Parameters
        ----------
        entry
            What to read.
        limit_bytes
            Longest content that is wanted; that of the caps by default.

        Raises
        ------
        ArchiveError
            If the content is too long or damaged; the message follows the entry's name.
        """
        limit = self.caps.member_bytes if limit_bytes is None else limit_bytes
        if entry.size_bytes > self._left_bytes:
            total = format_bytes(self.caps.total_bytes)
            raise ArchiveError(f"is past the {total} that are read of one submission")
        # Taken off before it is known to be whole: a damaged entry costs as much time.
        self._left_bytes -= min(entry.size_bytes, limit)
        return entry.load(limit)

    def take_members(self, count: int) -> None:
        """Take entries off the budget.

        Raises
        ------
        ArchiveError
            If there are too many.
        """
        self._left_members -= count
        if self._left_members < 0:
            raise ArchiveError(f"holds more than {self.caps.members:,} files; leave out data")


class Archive:
    """One zip archive, opened: `entries` in their order, and `folders`.

    Parameters
    ----------
    source
        Content of the archive, or its path.
    caps
        What is too much.
    is_unique
        Whether a second entry of the same name, or of one that differs in case only, is refused.

    Raises
    ------
    ArchiveError
        If nothing of it can be trusted: it is no zip, entries overlap, there are too many.
    """

    def __init__(
        self, source: Path | bytes, *, caps: Caps = SUBMISSION, is_unique: bool = True
    ) -> None:
        self._caps = caps
        try:
            _check_start_and_count(source, caps)
            self._zip = zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
            infos = self._zip.infolist()
            _check_places(infos, end=self._zip.start_dir)
        except _FAULTS as err:
            raise ArchiveError(f"is damaged, or no zip archive ({shown(str(err))})") from err
        named = [(_name(info), info) for info in infos]
        self.folders = tuple(name for name, _ in named if name.endswith("/"))
        files = ((name, info) for name, info in named if not name.endswith("/"))
        found: Iterable[Entry | Refused] = (self._entry(name, info) for name, info in files)
        self.entries = tuple(_without_twins(found) if is_unique else found)

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def _entry(self, name: str, info: zipfile.ZipInfo) -> Entry | Refused:
        if problem := name_problem(name) or self._problem(info):
            return Refused(name, problem)
        path = name.replace("\\", "/")
        return Entry(path, info.file_size, tuple(info.date_time), partial(self._load, info))

    def _problem(self, info: zipfile.ZipInfo) -> str:
        """Say what about an entry but its name is refused."""
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind == stat.S_IFLNK:
            return "is a link; hand in the file itself"
        if kind not in (0, stat.S_IFREG):
            return "is no ordinary file"
        if info.flag_bits & 0x41:
            return "is encrypted; hand it in without a password"
        if info.compress_type not in _METHODS:
            return f"is compressed by method {info.compress_type}; make an ordinary .zip"
        if info.file_size > max(_RATIO_FLOOR_BYTES, self._caps.ratio * info.compress_size):
            size = format_bytes(info.file_size)
            return f"unpacks from {format_bytes(info.compress_size)} to {size}, like a bomb"
        return ""

    def _load(self, info: zipfile.ZipInfo, limit_bytes: int) -> bytes:
        if info.file_size > limit_bytes:
            raise too_long(info.file_size, limit_bytes)
        parts, size = [], 0
        try:
            with self._zip.open(info) as stream:
                while part := stream.read(_CHUNK_BYTES):
                    size += len(part)
                    if size > limit_bytes:  # the declared size may lie
                        raise too_long(size, limit_bytes)
                    parts.append(part)
        except _FAULTS as err:
            raise ArchiveError(f"is damaged ({shown(str(err))})") from err
        if size != info.file_size:
            raise ArchiveError(f"is damaged ({size} bytes, not the {info.file_size} declared)")
        return b"".join(parts)


def unpack(
    items: Iterable[Entry | Refused], budget: Budget, *, depth: int = 0
) -> Iterator[Entry | Refused]:
    """Yield files, those in archives and in archives of archives included.

    Parameters
    ----------
    items
        What there is; each entry takes from the budget's count.
    budget
        What may still be read.
    depth
        How many archives `items` lie in already.
    """
    for item in items:
        suffix = item.path.lower().rpartition(".")[2]
        if is_junk(item.path):
            continue
        if isinstance(item, Refused):
            yield item
        elif suffix in _OTHER_ARCHIVES:
            yield Refused(item.path, "is an archive that is not opened; hand in a .zip")
        elif suffix != "zip":
            yield item
        elif depth >= budget.caps.depth:
            yield Refused(item.path, f"lies more than {budget.caps.depth} archives deep")
        else:
            yield from _unpack_one(item, budget, depth=depth)


def _unpack_one(item: Entry, budget: Budget, *, depth: int) -> Iterator[Entry | Refused]:
    try:
        archive = Archive(budget.read(item), caps=budget.caps)
        budget.take_members(len(archive.entries) + len(archive.folders))
    except ArchiveError as err:
        yield Refused(item.path, str(err))
        return
    for inner in unpack(archive.entries, budget, depth=depth + 1):
        path = f"{item.path}/{inner.path}"
        if isinstance(inner, Refused):
            yield Refused(path, inner.reason)
        else:
            yield Entry(path, inner.size_bytes, inner.modified, inner.load)


def too_long(size_bytes: int, limit_bytes: int) -> ArchiveError:
    """Return the error about a file that is longer than what is read."""
    sizes = format_bytes(size_bytes), format_bytes(limit_bytes)
    return ArchiveError(f"has {sizes[0]}; at most {sizes[1]} are read")


def _name(info: zipfile.ZipInfo) -> str:
    """Return the name as written, NUL and all; macOS writes UTF-8 without saying so."""
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name


def _check_start_and_count(source: Path | bytes, caps: Caps) -> None:
    """Refuse what is another kind of archive, or holds too many entries to be listed at all."""
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream:
        start = stream.read(8)
        for magic, what in _MAGIC.items():
            if start.startswith(magic):
                raise ArchiveError(f"is no zip but {what}; hand in a .zip")
        stream.seek(_directory_start(stream))
        if _count(stream, limit=caps.members) > caps.members:
            raise ArchiveError(f"holds more than {caps.members:,} files; leave out data")


def _directory_start(stream: IO[bytes]) -> int:
    """Return where zipfile will look for the directory; files before it may hold anything.

    One file of a student's, stored as it is, would else stop the download of everybody.
    """
    end = zipfile._EndRecData(stream)  # type: ignore[attr-defined]  # the very place
    if not end:
        return 0
    is_large = end[0] == zipfile.stringEndArchive64  # type: ignore[attr-defined]
    return max(0, int(end[9] - end[5]) - (_LARGE_END_BYTES if is_large else 0))


def _count(stream: IO[bytes], *, limit: int) -> int:
    """Count what looks like an entry of a zip directory, until there are more than the limit."""
    count, rest = 0, b""
    while count <= limit and (part := stream.read(_MI)):
        block = rest + part
        count += block.count(_DIRECTORY_ENTRY)
        rest = block[-len(_DIRECTORY_ENTRY) + 1 :]
    return count


def _check_places(infos: list[zipfile.ZipInfo], *, end: int) -> None:
    """Refuse entries that share bytes: the bombs that no ratio of one entry gives away."""
    spans = sorted((i.header_offset, _LOCAL_HEADER_BYTES + i.compress_size) for i in infos)
    starts = [start for start, _ in spans]
    for (start, size), following in zip(spans, [*starts[1:], end], strict=False):
        if start < 0 or start + size > following:
            raise ArchiveError("has entries that overlap, like a bomb")


def _without_twins(items: Iterable[Entry | Refused]) -> Iterator[Entry | Refused]:
    seen: set[str] = set()
    for item in items:
        key = unicodedata.normalize("NFC", item.path).casefold()
        is_twin = key in seen
        seen.add(key)
        yield Refused(item.path, "is there twice under this name") if is_twin else item
