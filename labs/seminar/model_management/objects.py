"""Files named by the SHA-256 of what they hold.

What is stored twice is there once, and what was changed on the disk no longer fits its name. Which
files are needed is not known here.
"""

import hashlib
from pathlib import Path

from labs.seminar.model_management import disk
from labs.seminar.model_management.errors import CorruptModelError, MissingFileError


class ObjectFolder:
    """A folder of such files.

    Parameters
    ----------
    folder
        Made if it is not there.
    hook
        Is told each step of writing; see `disk.write_whole`.
    """

    def __init__(self, folder: Path, *, hook: disk.Hook = disk.no_hook) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._hook = hook

    def put(self, data: bytes) -> str:
        """Store bytes and return their hash; a damaged file of that name is repaired.

        Parameters
        ----------
        data
            What the file shall hold.
        """
        name = hashlib.sha256(data).hexdigest()
        path = self.folder / name
        if path.exists() and _hash_of(path) == name:
            self._hook("fsync folder")  # who wrote it may have been killed before that
            disk.sync_folder(self.folder)
        else:
            disk.write_whole(path, data, hook=self._hook)
        return name

    def get(self, name: str) -> bytes:
        """Return the bytes of a file, once they are shown to be those that were stored.

        Parameters
        ----------
        name
            Hash of the file.

        Raises
        ------
        MissingFileError
            If there is no such file.
        CorruptModelError
            If it holds something else.
        """
        try:
            data = (self.folder / name).read_bytes()
        except FileNotFoundError as err:
            raise MissingFileError(
                f"the file {name[:12]}... is gone from {self.folder.name}; restore it from a copy"
            ) from err
        if (found := hashlib.sha256(data).hexdigest()) != name:
            raise CorruptModelError(
                f"the file {name[:12]}... holds bytes with the hash {found[:12]}...: it was "
                "changed on the disk; restore it from a copy, or save the model again"
            )
        return data

    def names(self) -> set[str]:
        """Return the names of all whole files."""
        found = (path.name for path in self.folder.iterdir())
        return {name for name in found if not name.startswith(disk.TEMPORARY)}

    def size_bytes(self, name: str) -> int:
        """Return the size of a file.

        Parameters
        ----------
        name
            Hash of the file.
        """
        return (self.folder / name).stat().st_size

    def sweep(self, keep: set[str]) -> list[str]:
        """Remove all files but some, with what crashes left half written; return their names.

        Parameters
        ----------
        keep
            Names of the files that stay.
        """
        gone = sorted(path.name for path in self.folder.iterdir() if path.name not in keep)
        for name in gone:
            self._hook("unlink")
            (self.folder / name).unlink()
        return gone


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
