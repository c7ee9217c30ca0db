"""Brings a database of grades to the schema of this version, section by section of ``schema.sql``.

Each section runs in one transaction together with its record, so that a process that is killed
leaves the schema before or after it. The connection comes from `grading.store`, which alone opens
databases.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from grading.errors import StoreError

SCHEMA = Path(__file__).with_name("schema.sql")
_SECTION = re.compile(r"^-- migration (\d+): (.+)$", re.MULTILINE)
_RECORDS = (
    "CREATE TABLE IF NOT EXISTS migrations"
    " (number INTEGER PRIMARY KEY, title TEXT NOT NULL, at TEXT NOT NULL)"
)


class Connection(Protocol):
    """What is needed of a connection in autocommit mode."""

    def execute(self, statement: str, values: Any = ..., /) -> Any:
        """Run one statement with bound values."""


def migrate(connection: Connection, script: str | None = None) -> int:
    """Run the sections that a database has not had, and return its version.

    Parameters
    ----------
    connection
        A connection in autocommit mode.
    script
        The schema; that of this package by default.

    Raises
    ------
    StoreError
        If the database is of a later version.
    """
    text = SCHEMA.read_text(encoding="utf-8") if script is None else script
    sections = list(read_sections(text))
    connection.execute(_RECORDS)
    (done,) = connection.execute("SELECT COALESCE(MAX(number), 0) FROM migrations").fetchone()
    if done > len(sections):
        raise StoreError(
            f"the grades were written by a later version (schema {done}, here {len(sections)}); "
            "update this program"
        )
    for number, title, statements in sections[done:]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                connection.execute(statement)
            record = (number, title, datetime.now(UTC).isoformat(timespec="seconds"))
            connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", record)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    return len(sections)


def read_sections(script: str) -> Iterator[tuple[int, str, list[str]]]:
    r"""Yield number, title and statements of each section of a schema.

    Raises
    ------
    StoreError
        If the sections are not numbered 1, 2 and so on.

    Examples
    --------
    >>> list(read_sections("-- migration 1: one\nCREATE TABLE a (b);\n"))
    [(1, 'one', ['CREATE TABLE a (b);'])]
    """
    parts = _SECTION.split(script)[1:]
    for place, (number, title, body) in enumerate(zip(*[iter(parts)] * 3, strict=True), 1):
        if int(number) != place:
            raise StoreError(f"section {place} of the schema is numbered {number}")
        yield place, title, _statements(body)


def _statements(body: str) -> list[str]:
    """Split SQL at the semicolons that end a line; inside a trigger only that of END counts."""
    plain = "\n".join(line.partition("--")[0].rstrip() for line in body.splitlines())
    found: list[str] = []
    statement = ""
    for line in filter(str.strip, plain.splitlines()):
        statement = f"{statement}\n{line}".strip()
        is_trigger = statement.upper().startswith("CREATE TRIGGER")
        if line.endswith(";") and (not is_trigger or line.strip().upper() == "END;"):
            found.append(statement)
            statement = ""
    if statement:
        raise StoreError(f"the schema ends within a statement: {statement[:60]!r}")
    return found
