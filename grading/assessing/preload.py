"""Which modules a process for student code may have imported before the first cell runs.

Importing takes longer than grading, so what the setup of a lab imports is imported once, before the
processes for student code are forked. What an exercise of the lab withholds is not: its code would
be in the memory of every process. Modules of ours are read, never imported, to see what they use.
"""

import ast
import functools
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path

from labs.engine.catalog import LABS_ROOT

_OURS = ("labs", "course_utils")


def preload_names(codes: Iterable[str], withheld: Iterable[str]) -> tuple[str, ...]:
    """Return the names of modules to import beforehand, sorted.

    Parameters
    ----------
    codes
        The setup of a lab, as pieces of code.
    withheld
        Dotted names that some exercise of the lab withholds.

    Examples
    --------
    >>> setup = ["import json.decoder", "from course_utils import counting, units"]
    >>> preload_names(setup, ["course_utils.counting"])
    ('course_utils', 'course_utils.units', 'json.decoder')
    """
    taken, seen = frozenset(withheld), set[str]()
    found: set[str] = set()
    waiting = [name for code in codes for name in imported_names(code)]
    while waiting:
        name = waiting.pop()
        if name in seen or not _is_module(name):
            continue
        seen.add(name)
        if not _uses(name, taken):
            found.add(name)
        elif not is_within(name, taken):  # itself it cannot be, but most of what it imports
            waiting += _imported_by(name)
    return tuple(sorted(found))


@functools.cache
def uses_withheld(code: str, withheld: tuple[str, ...]) -> bool:
    """Say whether some code imports, however indirectly, what is withheld.

    Examples
    --------
    >>> uses_withheld("from course_utils import counting", ("course_utils.counting",))
    True
    >>> uses_withheld("import json", ("course_utils.counting",))
    False
    """
    return any(_uses(name, frozenset(withheld)) for name in imported_names(code))


def imported_names(code: str) -> Iterator[str]:
    """Yield what some code may import: of ``from a import b`` both ``a`` and ``a.b``.

    Examples
    --------
    >>> list(imported_names("from a import b, c"))
    ['a', 'a.b', 'a.c']
    """
    try:
        tree = ast.parse(code)
    except SyntaxError:  # a cell with a magic
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _uses(name: str, withheld: frozenset[str], seen: frozenset[str] = frozenset()) -> bool:
    """Say whether a module of ours is withheld or imports, however indirectly, one that is."""
    if is_within(name, withheld):
        return True
    if name in seen:
        return False
    return any(_uses(each, withheld, seen | {name}) for each in _imported_by(name))


@functools.cache
def _imported_by(name: str) -> tuple[str, ...]:
    """Return what a module imports, if it is one of ours."""
    path = _source(name) if name.partition(".")[0] in _OURS else None
    return tuple(imported_names(path.read_text(encoding="utf-8"))) if path else ()


def is_within(name: str, names: Iterable[str]) -> bool:
    """Say whether a dotted name is one of several, or below one.

    Examples
    --------
    >>> is_within("a.b.c", ["a.b"]), is_within("a.bc", ["a.b"])
    (True, False)
    """
    return any(name == each or name.startswith(f"{each}.") for each in names)


def _is_module(name: str) -> bool:
    if name.partition(".")[0] in _OURS:
        return _source(name) is not None
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


@functools.cache
def _source(name: str) -> Path | None:
    """Return the file of a module of ours, or None if it is none."""
    path = LABS_ROOT.parent.joinpath(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None
