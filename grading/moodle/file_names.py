"""Names of files from a submission: which are refused, which are no work, how they are shown.

Nothing here opens a file.
"""

import re
import unicodedata
from collections.abc import Callable

_MAX_NAME_BYTES, _MAX_PATH_BYTES = 255, 4096
_JUNK = {
    "__MACOSX",
    ".DS_Store",
    ".git",
    ".ipynb_checkpoints",
    ".venv",
    "Thumbs.db",
    "__pycache__",
    "desktop.ini",
    "node_modules",
    "site-packages",
}
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\xb9\xb2\xb3])", re.I)
_CONTROL = ("Cc", "Cs", "Zl", "Zp")
_BIDIRECTIONAL = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_junk(path: str) -> bool:
    """Return whether a path is what a system leaves behind, and no work of anybody.

    Examples
    --------
    >>> is_junk("__MACOSX/lab/._lab.ipynb"), is_junk("lab/lab.ipynb")
    (True, False)
    """
    return any(part in _JUNK or part.startswith("._") for part in _parts(path))


def name_problem(name: str) -> str:
    r"""Return why a name is refused, in words that follow the name, or an empty text.

    A backslash counts as a slash: some programs for Windows write such archives.

    Examples
    --------
    >>> name_problem("work/lab.ipynb"), name_problem("work\\lab.ipynb")
    ('', '')
    >>> name_problem("..\\lab.ipynb")
    'leads out of its folder'
    """
    return next((reason for reason, is_so in _PROBLEMS.items() if is_so(name)), "")


def shown(text: str, *, length: int = 100) -> str:
    r"""Return a text from a submission as a message may show it: one short line, all visible.

    Parameters
    ----------
    text
        Anything.
    length
        Most characters; the middle is left out of a longer text.

    Examples
    --------
    >>> shown("a\nb\u202ec"), shown("x" * 30, length=9)
    ('a?b?c', 'xxx...xxx')
    """
    plain = "".join(c if c.isprintable() else "?" for c in text)
    kept = (length - 3) // 2
    return plain if len(plain) <= length else f"{plain[:kept]}...{plain[-kept:]}"


def _parts(path: str) -> list[str]:
    return path.replace("\\", "/").removesuffix("/").split("/")


def _is_long(name: str) -> bool:
    sizes = [len(part.encode()) for part in _parts(name)]
    return max(sizes) > _MAX_NAME_BYTES or len(name.encode()) > _MAX_PATH_BYTES


def _is_reserved(name: str) -> bool:
    return any(_RESERVED.fullmatch(part.partition(".")[0].rstrip(" ")) for part in _parts(name))


# In this order: what has passed the first can be encoded.
_PROBLEMS: dict[str, Callable[[str], object]] = {
    "has control characters in its name": lambda name: (
        _BIDIRECTIONAL & set(name) or any(unicodedata.category(c) in _CONTROL for c in name)
    ),
    "has an absolute path": lambda name: re.match(r"[/\\]|[A-Za-z]:", name),
    "leads out of its folder": lambda name: ".." in _parts(name),
    "has an empty name": lambda name: not any(_parts(name)),
    "has too long a name": _is_long,
    "has a name that Windows reserves": _is_reserved,
}
