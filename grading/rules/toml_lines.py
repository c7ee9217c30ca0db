"""Where a key stands in a TOML file: the line that a message about it names.

The standard parser tells no positions, so the beginning of the file is parsed again, one line
longer each time, until the key is in it. That costs time that grows with the square of the number
of lines, which is nothing for a file that people write, and it agrees with the parser by
construction. Nothing here judges a value.
"""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any


def line_of(text: str, keys: Sequence[str]) -> int:
    r"""Return the number of the line, from 1, in which a key is given first.

    Parameters
    ----------
    text
        Valid TOML.
    keys
        The key with those of the tables around it: ``("labs", "toy", "weight")``. Where it does
        not stand in the file, the line is that of the innermost table around it that does.

    Examples
    --------
    >>> text = 'title = "x"\n\n[labs.toy]\n# why\nids = [\n  "9.1",\n]\n'
    >>> [line_of(text, keys) for keys in (("labs", "toy", "ids"), ("labs", "toy", "late"), ("a",))]
    [5, 3, 1]
    """
    lines = text.split("\n")
    wanted = [tuple(keys[:n]) for n in range(len(keys), 0, -1)]
    found: dict[tuple[str, ...], int] = {}
    begun = 1
    for number in range(1, len(lines) + 1):
        try:
            table = tomllib.loads("\n".join(lines[:number]))
        except tomllib.TOMLDecodeError:  # within a value of several lines
            continue
        for path in wanted:
            if path not in found and _holds(table, path):
                found[path] = begun
        begun = number + 1
    return next((found[path] for path in wanted if path in found), 1)


def _holds(table: Mapping[str, Any], keys: Sequence[str]) -> bool:
    inner: Any = table
    for key in keys:
        if not (isinstance(inner, Mapping) and key in inner):
            return False
        inner = inner[key]
    return True
