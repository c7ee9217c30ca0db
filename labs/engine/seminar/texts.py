"""A page as people write it: bytes to text, and text to lines of which each has a kind.

Headings are those of Markdown (``## Claim``, or underlined); code, comments and a table of fields
at the top are told apart from prose. Every step takes time in proportion to the text, whatever it
is. Nothing is judged here.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["heading", "prose", "code", "other", "blank"]
_BREAK = re.compile(r"\r\n|\r|\n")
_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_WORD = re.compile(r"\w+(?:[-'\u2019.,/:@]\w+)*")
_PICTURE = re.compile(r"!\[[^\]\n]{0,500}\]\([^)\n]{0,500}\)")
_FIELDS = "---"
MARKS = {  # how a file says that it is in another form of Unicode than UTF-8
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class Line:
    """One line of a page.

    Parameters
    ----------
    number
        Counted from 1.
    text
        Without comments; of a heading without its marks.
    kind
        ``heading``, ``prose``, ``code``, ``blank``, or ``other`` for what is not shown.
    level
        Of a heading, 1 to 6; else 0.
    """

    number: int
    text: str
    kind: Kind
    level: int = 0

    @property
    def words(self) -> list[str]:
        """The words of a line of prose; none of any other."""
        return words(self.text) if self.kind == "prose" else []


def decode(content: bytes) -> tuple[str, int]:
    r"""Return bytes as text, and the line of the first byte that is no UTF-8, or 0.

    Bytes that are no UTF-8 are read as Windows and Western Europe write them.

    Examples
    --------
    >>> decode("\ufeffgr\u00fcn".encode()), decode(b"a\r\nb\xfc")
    (('grün', 0), ('a\r\nbü', 2))
    """
    for mark, name in MARKS.items():
        if content.startswith(mark):
            return content.decode(name, errors="replace"), 0
    try:
        return content.decode("utf-8-sig"), 0
    except UnicodeDecodeError as err:
        line = len(_BREAK.findall(content[: err.start].decode("latin-1"))) + 1
        return content.decode("cp1252", errors="replace"), line


def is_binary(text: str) -> bool:
    r"""Return whether a text holds characters that no text has.

    Examples
    --------
    >>> is_binary("a\tb\n"), is_binary("PK\x03\x04")
    (False, True)
    """
    return any(ord(c) < 32 and c not in "\t\n\r\f\v" for c in text)


def words(text: str) -> list[str]:
    """Return the words of a text as they are written; a picture's address is none.

    Examples
    --------
    >>> words("- **It's** 1.5 times [faster](x), isn't it? ![plot](a.png)")
    ["It's", '1.5', 'times', 'faster', 'x', "isn't", 'it']
    """
    return _WORD.findall(_PICTURE.sub(" ", text))


def plain(text: str) -> str:
    """Return the words of a text in a form that compares: small letters, no marks, no number first.

    Examples
    --------
    >>> plain("**2. Claim & Idea:**"), plain("Was fehlt?")
    ('claim idea', 'was fehlt')
    """
    found = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).casefold())
    while len(found) > 1 and found[0].isdecimal():
        found.pop(0)
    return " ".join(found)


def pictures(line: Line) -> int:
    """Return how many pictures a line of prose shows."""
    return len(_PICTURE.findall(line.text)) if line.kind == "prose" else 0


def read_lines(text: str) -> list[Line]:
    r"""Return the lines of a page, each with its kind.

    Examples
    --------
    >>> [line.kind for line in read_lines("# A\n\n~~~\n# no heading\n~~~\nso")]
    ['heading', 'blank', 'code', 'code', 'code', 'prose']
    """
    raw = _BREAK.split(text)
    if raw and not raw[-1]:
        raw.pop()
    skipped = _fields(raw)
    found = [Line(n, each, "other") for n, each in enumerate(raw[:skipped], 1)]
    return _underlined([*found, *_kinds(raw[skipped:], first=skipped + 1)])


def _fields(raw: Sequence[str]) -> int:
    """Return how many lines a table of fields at the top takes (YAML front matter)."""
    if not raw or raw[0].rstrip() != _FIELDS:
        return 0
    ends = (n for n, each in enumerate(raw[1:], 2) if each.rstrip() in (_FIELDS, "..."))
    return next(ends, 0)


def _kinds(raw: Sequence[str], *, first: int) -> Iterator[Line]:
    fence, is_comment = "", False
    for number, each in enumerate(raw, first):
        if fence:
            mark = _FENCE.match(each)
            is_end = mark and mark[1].startswith(fence) and not each[mark.end() :].strip()
            fence = "" if is_end else fence
            yield Line(number, each, "code")
            continue
        text, was_comment = each, is_comment
        text, is_comment = _without_comments(each, is_comment=is_comment)
        mark = _FENCE.match(text)
        if mark:
            fence = mark[1]
            yield Line(number, text, "code")
        elif heading := _HEADING.match(text):
            yield Line(number, _title(text[heading.end() :]), "heading", level=len(heading[1]))
        elif text.strip():
            yield Line(number, text, "prose")
        else:
            yield Line(number, "", "other" if was_comment or each.strip() else "blank")


def _title(text: str) -> str:
    """Return a heading's text without the marks that may close it."""
    title = text.strip()
    start = title.rstrip("#")
    return start.strip() if not start or start[-1] in " \t" else title


def _without_comments(text: str, *, is_comment: bool) -> tuple[str, bool]:
    """Return a line without what stands in comments, and whether one goes on behind it."""
    kept, place = [], 0
    while place < len(text):
        end = text.find("-->" if is_comment else "<!--", place)
        if not is_comment:
            kept.append(text[place:] if end < 0 else text[place:end])
        if end < 0:
            break
        place, is_comment = end + (3 if is_comment else 4), not is_comment
    return "".join(kept), is_comment


def _underlined(lines: list[Line]) -> list[Line]:
    """Return lines with those as headings that a row of = or - underlines."""
    for index in range(1, len(lines)):
        above, line = lines[index - 1], lines[index]
        mark = _UNDERLINE.fullmatch(line.text) if line.kind == "prose" else None
        if mark and above.kind == "prose" and not _UNDERLINE.fullmatch(above.text):
            level = 1 if mark[1][0] == "=" else 2
            lines[index - 1] = replace(above, text=above.text.strip(), kind="heading", level=level)
            lines[index] = replace(line, text="", kind="other")
    return lines
