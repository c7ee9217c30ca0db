"""The rules of a one-pager, from a file that organisers change: ``one_pager.toml``.

::

    suffixes = [".md", ".txt"]      # of files that are one-pagers
    max_file_bytes = 200_000
    min_words = 250                 # of prose, headings aside
    max_words = 500
    max_lines = 60                  # of a printed page ...
    line_characters = 90            # ... with so many characters each
    picture_lines = 15              # that a picture takes
    templates = ["one_pager.md"]    # beside this file; their prompts must not be left in place
    [[sections]]
    name = "Claim and idea"
    aliases = ["claim", "Behauptung"]
    min_words = 30
    max_words = 150

Nothing is checked here but the file itself.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.engine.errors import LabFormatError
from labs.engine.seminar.material import MATERIAL, prompts
from labs.engine.seminar.texts import plain
from labs.engine.sweeps.toml_tables import Table

RULES_FILE = MATERIAL / "one_pager.toml"
MIN_PROMPT_WORDS = 4  # fewer stand in any text
_NUMBERS = (
    *("max_file_bytes", "min_words", "max_words"),
    *("max_lines", "line_characters", "picture_lines"),
)


@dataclass(frozen=True)
class Section:
    """A section that a one-pager must have.

    Parameters
    ----------
    name
        As the template calls it.
    names
        Every heading that is taken for it, in the form of `texts.plain`.
    min_words, max_words
        Of its prose.
    """

    name: str
    names: frozenset[str]
    min_words: int
    max_words: int


@dataclass(frozen=True)
class Rules:
    """What a one-pager must be like.

    Parameters
    ----------
    suffixes
        Of its file.
    numbers
        The limits of the file by name, such as ``max_words``.
    sections
        In the order of the template.
    prompts
        Texts of the templates that must have been replaced, in the form of `texts.plain`.
    """

    suffixes: tuple[str, ...]
    numbers: dict[str, int]
    sections: tuple[Section, ...]
    prompts: tuple[str, ...]

    def section_of(self, heading: str) -> Section | None:
        """Return the section that a heading begins, or None."""
        known = plain(heading)
        return next((each for each in self.sections if known in each.names), None)


def read_rules(path: Path = RULES_FILE) -> Rules:
    """Return the rules in a file.

    Parameters
    ----------
    path
        The file; the course's own if not given.

    Raises
    ------
    LabFormatError
        If the file is missing or not as documented; the message names the key.

    Examples
    --------
    >>> [section.name for section in read_rules().sections][:2]
    ['Paper', 'Claim and idea']
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as err:
        said = err.strerror or err
        raise LabFormatError(f"{path}: {said}; give a file of rules as {RULES_FILE.name}") from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise LabFormatError(f"{path} is no TOML: {err}; correct it") from err
    table = Table(content, path)
    table.check_keys((*_NUMBERS, "suffixes", "templates", "sections"))
    numbers = {name: _count(table, name) for name in _NUMBERS}
    _check_order(table, numbers["min_words"], numbers["max_words"])
    suffixes = table.get("suffixes", "a list of endings such as '.md'", accepts=_is_suffixes)
    templates = table.get("templates", "a list of files", accepts=_is_lines, default=[])
    return Rules(
        suffixes=tuple(each.lower() for each in suffixes),
        numbers=numbers,
        sections=tuple(_sections(table)),
        prompts=tuple(dict.fromkeys(_prompts(table, templates))),
    )


def _sections(table: Table) -> Iterator[Section]:
    taken: dict[str, str] = {}
    tables = table.listed("sections")
    if not tables:
        raise table.refused("sections", "there is none; give one [[sections]] at least")
    for each in tables:
        each.check_keys(("name", "aliases", "min_words", "max_words"))
        name = each.line("name")
        aliases = each.get("aliases", "a list of headings", accepts=_is_lines, default=[])
        names = frozenset(plain(alias) for alias in (name, *aliases))
        for known in sorted(names):
            if taken.setdefault(known, name) != name or not known:
                raise each.refused("aliases", f"{known!r} is another section's too; keep one")
        fewest, most = _count(each, "min_words"), _count(each, "max_words")
        _check_order(each, fewest, most)
        yield Section(name, names, fewest, most)


def _prompts(table: Table, templates: list[str]) -> Iterator[str]:
    for name in templates:
        try:
            text = (table.path.parent / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as err:
            raise table.refused("templates", f"{name!r} cannot be read ({err})") from err
        for prompt in map(plain, prompts(text)):
            if len(prompt.split()) >= MIN_PROMPT_WORDS:
                yield prompt


def _count(table: Table, key: str) -> int:
    return int(table.get(key, "a whole number >= 1", accepts=_is_count))


def _check_order(table: Table, fewest: int, most: int) -> None:
    if fewest > most:
        raise table.refused("min_words", f"{fewest} is above max_words = {most}; lower it")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_lines(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and each for each in value)


def _is_suffixes(value: Any) -> bool:
    return _is_lines(value) and bool(value) and all(each.startswith(".") for each in value)
