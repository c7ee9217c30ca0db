"""Writes a file so that it is there whole or not at all, whatever happens meanwhile.

Every step that a crash could come before is announced to a hook, so tests can stop at each of
them. It knows nothing of models.
"""

import os
from collections.abc import Callable
from pathlib import Path

Hook = Callable[[str], None]
TEMPORARY = ".temporary-"


def no_hook(step: str) -> None:
    """Do nothing at a step.

    Parameters
    ----------
    step
        Name of the step.
    """


def write_whole(path: Path, data: bytes, *, hook: Hook = no_hook) -> None:
    """Write a file: a temporary one beside it, to the disk, then renamed, then its name to disk.

    Parameters
    ----------
    path
        Of the file; an older one is replaced.
    data
        What it shall hold.
    hook
        Is told ``write`` when half is written, then ``fsync``, ``rename`` and ``fsync folder``
        before each of these steps.
    """
    temporary = path.with_name(f"{TEMPORARY}{path.name}")
    try:
        with temporary.open("wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            hook("write")
            file.write(data[len(data) // 2 :])
            file.flush()
            hook("fsync")
            os.fsync(file.fileno())
        hook("rename")
        temporary.replace(path)
    except OSError:  # a full disk: no crash, so there is time to tidy up
        temporary.unlink(missing_ok=True)
        raise
    hook("fsync folder")
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the disk keep the names of a folder's files; only POSIX can.

    Parameters
    ----------
    folder
        Of the files.
    """
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
