"""Reads a folder of submissions from disk as carefully as an archive: no link is followed.

What lies in it came from students; a link could lead to anything, and reading a pipe never ends.
"""

import contextlib
import os
import stat
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from grading.errors import ArchiveError
from grading.moodle.archives import SUBMISSION, Caps, Entry, Refused, too_long
from grading.moodle.file_names import is_junk, name_problem

IS_LINK = "is a link, which is not followed; put the file itself there"
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def walk(folder: Path, *, caps: Caps = SUBMISSION) -> tuple[list[Entry | Refused], list[str]]:
    """Return the files below a folder and its folders, by their paths from there.

    Parameters
    ----------
    folder
        Where to begin.
    caps
        After this many members the rest is refused, in one entry.
    """
    items: list[Entry | Refused] = []
    folders: list[str] = []
    for path in _below(folder):
        name = path.relative_to(folder).as_posix()
        if len(items) + len(folders) >= caps.members:
            items.append(Refused(name, f"comes after {caps.members:,} other files; leave out data"))
            break
        found = entry(path, name)
        if found is None:
            folders.append(f"{name}/")
        else:
            items.append(found)
    return items, folders


def entry(path: Path, name: str) -> Entry | Refused | None:
    """Return a file as an entry of this name, why it is refused, or None for a folder."""
    try:
        status = path.lstat()
    except OSError as err:
        return Refused(name, f"cannot be read ({err.strerror})")
    if stat.S_ISLNK(status.st_mode):
        return Refused(name, IS_LINK)
    if stat.S_ISDIR(status.st_mode):
        return None
    if not stat.S_ISREG(status.st_mode):
        return Refused(name, "is no ordinary file")
    if problem := name_problem(name):
        return Refused(name, problem)
    modified = tuple(time.gmtime(max(0, int(status.st_mtime)))[:6])
    return Entry(name, status.st_size, modified, partial(read_file, path))


def read_file(path: Path, limit_bytes: int) -> bytes:
    """Return the content of an ordinary file.

    Raises
    ------
    ArchiveError
        If it is longer than the limit, has become something else, or cannot be read.
    """
    try:
        with os.fdopen(os.open(path, _OPEN), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ArchiveError("is no ordinary file")
            content = stream.read(limit_bytes + 1)
    except OSError as err:
        raise ArchiveError(f"cannot be read ({err.strerror})") from err
    if len(content) > limit_bytes:
        raise too_long(max(status.st_size, len(content)), limit_bytes)
    return content


def _below(folder: Path) -> Iterator[Path]:
    """Yield everything below a folder, by name, without entering links or junk."""
    stack = [folder]
    while stack:
        path = stack.pop()
        if path != folder:
            yield path
        if path.is_dir() and not path.is_symlink():
            # Without the right to look inside, a folder is one without files.
            with contextlib.suppress(OSError):
                children = (child for child in path.iterdir() if not is_junk(child.name))
                stack.extend(sorted(children, reverse=True))
