"""A table of a TOML file whose keys are asked for one by one, and refused by file and full name.

What a key means is up to who asks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.engine.catalog import did_you_mean
from labs.engine.errors import LabFormatError


def is_line(value: Any) -> bool:
    """Return whether a value is one line of text that says something."""
    return isinstance(value, str) and bool(value.strip()) and "\n" not in value


@dataclass(frozen=True)
class Table:
    """One table.

    Parameters
    ----------
    content
        Its keys and values.
    path
        The file, for messages.
    prefix
        What stands before its keys, with a dot at the end: ``studies.bits.``.
    """

    content: Mapping[str, Any]
    path: Path
    prefix: str = ""

    def refused(self, key: str, reason: str) -> LabFormatError:
        """Return the error that a key is refused for a reason."""
        return LabFormatError(f"{self.path}: {self.prefix}{key}: {reason}")

    def check_keys(self, known: Sequence[str]) -> None:
        """Refuse keys that nobody asks for.

        Raises
        ------
        LabFormatError
            Naming the first, as the other methods do.
        """
        for key in self.content:
            if key not in known:
                hint = did_you_mean(key, known)
                raise self.refused(key, f"unknown key{hint} (keys: {', '.join(known)})")

    def get(
        self, key: str, allowed: str, *, accepts: Callable[[Any], bool], default: Any = None
    ) -> Any:
        """Return the value of a key.

        Parameters
        ----------
        key
            Must be there if there is no default.
        allowed
            What it may be, in words.
        accepts
            Whether a value is that.
        default
            The value of a key that is left out.
        """
        value = self.content.get(key, default)
        if value is None:
            raise self.refused(key, f"is missing; give {allowed}")
        if not accepts(value):
            raise self.refused(key, f"{value!r} is not {allowed}")
        return value

    def line(self, key: str) -> str:
        """Return the line of text that stands at a key."""
        return str(self.get(key, "one line of text", accepts=is_line))

    def known(self, key: str, known: Iterable[str], *, what: str) -> str:
        """Return the name that stands at a key.

        Parameters
        ----------
        key
            Must be there.
        known
            Names that it may be.
        what
            What each of them is, in words.
        """
        name, names = self.line(key), list(known)
        if name not in names:
            listed = ", ".join(names) or "none"
            hint = did_you_mean(name, names)
            raise self.refused(key, f"{name!r} is no {what}{hint} (those are: {listed})")
        return name

    def table(self, key: str) -> "Table":
        """Return the table below a key, empty if it is left out."""
        value = self.content.get(key, {})
        if not isinstance(value, dict):
            raise self.refused(key, f"{value!r} is not a table")
        return Table(value, self.path, f"{self.prefix}{key}.")

    def listed(self, key: str) -> "list[Table]":
        """Return the tables of a list of tables, none if it is left out."""
        value = self.content.get(key, [])
        if not (isinstance(value, list) and all(isinstance(each, dict) for each in value)):
            raise self.refused(key, f"is not a list of tables [[{self.prefix}{key}]]")
        return [
            Table(each, self.path, f"{self.prefix}{key}.{number}.")
            for number, each in enumerate(value, 1)
        ]
