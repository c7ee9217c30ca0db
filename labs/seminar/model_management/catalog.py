"""The catalogue of a store: which models there are, and what each needs. Only it knows SQLite.

One writer at a time holds the database's lock from before its first file to after its commit, so
nobody sweeps a file away between its being written and its being named.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labs.seminar.model_management import disk
from labs.seminar.model_management.errors import ModelStoreError, UnknownModelError

VERSION = 1
SCHEMA = Path(__file__).with_name("schema.sql")
_WAIT_S = 60.0


@dataclass(frozen=True)
class Entry:
    """What the catalogue says of a model.

    Parameters
    ----------
    name, saver
        Of the model: its saver is ``full``, ``update``, ``recipe`` or ``shared``.
    hash
        Root of the Merkle tree over its layers.
    layers
        Layer -> hash, in the order of the model.
    base
        Name of the model that it starts from, or None.
    files
        Hashes of the files with its tensors.
    recipe
        What a replay needs, or None.
    notes
        What the owner wants to know later.
    """

    name: str
    saver: str
    hash: str
    layers: dict[str, str]
    base: str | None = None
    files: tuple[str, ...] = ()
    recipe: dict[str, Any] | None = None
    notes: dict[str, Any] = field(default_factory=dict)


class Catalog:
    """The catalogue in one SQLite file.

    Parameters
    ----------
    path
        Of the file; made if it is not there.
    hook
        Is told ``commit`` before and ``committed`` after each commit.

    Raises
    ------
    ModelStoreError
        If the file is of another version.
    """

    def __init__(self, path: Path, *, hook: disk.Hook = disk.no_hook) -> None:
        self._hook = hook
        self._database = sqlite3.connect(path, isolation_level=None, timeout=_WAIT_S)
        # EXTRA also syncs the folder after a commit: once it is told, it stays.
        self._database.executescript("PRAGMA foreign_keys = ON; PRAGMA synchronous = EXTRA")
        with self.writing():
            version = self._database.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                self._make()
        if version not in (0, VERSION):
            self.close()
            raise ModelStoreError(
                f"{path.name} has version {version}; this code reads version {VERSION}"
            )

    def _make(self) -> None:
        # One by one: executescript would commit, and another process might see half of it.
        lines = SCHEMA.read_text(encoding="utf-8").splitlines()
        for statement in "\n".join(line.partition("--")[0] for line in lines).split(";"):
            self._database.execute(statement)
        self._database.execute(f"PRAGMA user_version = {VERSION}")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock of the only writer for a block; all it changes is committed, or nothing."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._hook("commit")
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise
        self._hook("committed")

    def names(self) -> list[str]:
        """Return the names of the models that are kept, oldest first."""
        rows = self._database.execute("SELECT name FROM models WHERE is_kept ORDER BY rowid")
        return [name for (name,) in rows]

    def has_row(self, name: str) -> bool:
        """Say whether a model is here, even if only as a base of others.

        Parameters
        ----------
        name
            Of the model.
        """
        row = self._database.execute("SELECT 1 FROM models WHERE name = ?", (name,)).fetchone()
        return row is not None

    def entry(self, name: str, *, deleted: bool = False) -> Entry:
        """Return what is known of a model.

        Parameters
        ----------
        name
            Of the model.
        deleted
            Whether one may answer that was deleted and is still a base.

        Raises
        ------
        UnknownModelError
            If there is no such model.
        """
        row = self._database.execute(
            "SELECT saver, hash, base, recipe, notes, is_kept FROM models WHERE name = ?", (name,)
        ).fetchone()
        if row is None or not (row[-1] or deleted):
            known = ", ".join(self.names()[:8]) or "none yet"
            raise UnknownModelError(f"there is no model {name!r}; those kept here: {known}")
        saver, root, base, recipe, notes, _ = row
        layers = "SELECT layer, hash FROM layers WHERE model = ? ORDER BY position"
        files = "SELECT object FROM files WHERE model = ? ORDER BY position"
        return Entry(
            *(name, saver, root, dict(self._database.execute(layers, (name,)).fetchall()), base),
            tuple(found for (found,) in self._database.execute(files, (name,))),
            json.loads(recipe) if recipe else None,
            json.loads(notes),
        )

    def add(self, entry: Entry) -> None:
        """Add a model, inside of `writing`.

        Parameters
        ----------
        entry
            What is to be known of it.
        """
        recipe = None if entry.recipe is None else json.dumps(entry.recipe)
        notes = json.dumps(entry.notes)
        self._database.execute(
            "INSERT INTO models (name, saver, base, hash, recipe, notes) VALUES (?, ?, ?, ?, ?, ?)",
            (entry.name, entry.saver, entry.base, entry.hash, recipe, notes),
        )
        self._database.executemany(
            "INSERT INTO layers VALUES (?, ?, ?, ?)",
            [(entry.name, i, *layer) for i, layer in enumerate(entry.layers.items())],
        )
        self._database.executemany(
            "INSERT INTO files VALUES (?, ?, ?)",
            [(entry.name, i, name) for i, name in enumerate(entry.files)],
        )

    def forget(self, name: str) -> None:
        """Mark a model as deleted, inside of `writing`.

        Parameters
        ----------
        name
            Of the model.
        """
        self._database.execute("UPDATE models SET is_kept = 0 WHERE name = ?", (name,))

    def drop_unneeded(self) -> list[str]:
        """Remove models that are deleted and no base of a kept one, inside of `writing`.

        Returns
        -------
        list
            Their names.
        """
        rows = self._database.execute(
            """
            WITH RECURSIVE needed (name) AS (
                SELECT name FROM models WHERE is_kept
                UNION
                SELECT base FROM models JOIN needed USING (name) WHERE base IS NOT NULL
            )
            SELECT name FROM models WHERE name NOT IN needed ORDER BY rowid DESC
            """  # the newest first: a base goes after those that start from it
        ).fetchall()
        gone = [name for (name,) in rows]
        self._database.executemany("DELETE FROM models WHERE name = ?", [(n,) for n in gone])
        return gone

    def files(self) -> set[str]:
        """Return the hashes of all files that some model names."""
        return {name for (name,) in self._database.execute("SELECT DISTINCT object FROM files")}
