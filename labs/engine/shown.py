"""What a student's own run showed, made inert: plain text and pixels, capped.

Text loses colour codes, control characters and marks that reverse the direction of writing. A
picture is taken apart and encoded anew from its pixels. HTML, SVG, LaTeX, scripts and widgets are
left out, and a note stands in their place. Whoever shows a text still has to escape it.
"""

import base64
import binascii
import io
import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from labs.engine.submitted import clean_text, joined

MAX_TEXT = 2_000  # characters of one output
MAX_OUTPUTS = 20  # of one answer
MAX_PICTURES = 4  # of one answer
MAX_PNG_BYTES = 4_000_000
MAX_PIXELS = 4_000_000
MAX_SIDE_PX = 1_000  # a larger picture is made smaller
NOT_SHOWN = "(a table or picture in HTML is not shown)"
NO_PICTURE = "(a picture that cannot be read is not shown)"
Output = Mapping[str, Any]
_ANSI = re.compile(
    r"\x1b(?:\[[0-?]{0,50}[ -/]{0,9}[@-~]|\][^\x07\x1b]{0,4000}(?:\x07|\x1b\\)?|[@-_])"
)
_CONTROL = {code: None for code in [*range(32), *range(127, 160)] if code not in (9, 10)}
_MARKS = (0x61C, 0xFEFF, 0xFFFE, 0xFFFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F))
_INVISIBLE = dict.fromkeys([*_MARKS, *range(0x2060, 0x2070), *range(0xE0000, 0xE0080)])
_UNSEEN: dict[int, str | None] = {**_CONTROL, **_INVISIBLE, 0x2028: "\n", 0x2029: "\n"}
_UNSAFE = re.compile(f"[{''.join(map(re.escape, map(chr, _INVISIBLE)))}]")
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_PARTS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


@dataclass(frozen=True)
class Shown:
    """One output of the student's own run, inert: escaped text or pixels, size-capped.

    Parameters
    ----------
    kind
        ``text`` or ``picture``.
    text
        The text, plain (escaping is for who shows it); of a picture, its alternative text.
    png
        A PNG encoded anew from the pixels; empty for text.
    """

    kind: Literal["text", "picture"]
    text: str
    png: bytes = b""


def plain(text: str, *, limit: int = MAX_TEXT) -> str:
    r"""Return a text as a reader saw it, without anything that acts on a terminal or a page.

    Parameters
    ----------
    text
        Any text.
    limit
        Characters that are kept; what was left out is counted.

    Examples
    --------
    >>> plain("\x1b[31mno\x1b[0m\n10%\r100%"), plain("abcdef", limit=3)
    ('no\n100%', 'abc ... and 3 more characters')
    """
    start = text[: 20 * limit]
    # A progress bar goes back to the start of its line: what it says in the end counts.
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in start.split("\n"))
    seen = _ANSI.sub("", clean_text("\n".join(lines))).translate(_UNSEEN).strip("\n")
    left_out = max(len(seen) - limit, 0) + len(text) - len(start)
    return f"{seen[:limit]} ... and {left_out:,} more characters" if left_out else seen


def one_line(text: str, *, limit: int = 60) -> str:
    r"""Return the beginning of a text in one line, for messages.

    Parameters
    ----------
    text
        Any text.
    limit
        Characters that are kept.

    Examples
    --------
    >>> one_line("a\n b")
    'a b'
    """
    words = " ".join(plain(text[: 4 * limit], limit=4 * limit).split())
    return words if len(words) <= limit else f"{words[:limit]}..."


def has_unseen(text: str) -> bool:
    r"""Whether a text holds characters that a reader does not see, such as reversed writing.

    Examples
    --------
    >>> has_unseen("x = 1"), has_unseen("x = \u202e1")
    (False, True)
    """
    return bool(_UNSAFE.search(text))


def show(cells: Iterable[Sequence[Output]], *, pictures: int = MAX_PICTURES) -> tuple[Shown, ...]:
    """Return what the outputs of some cells showed, the last ``MAX_OUTPUTS`` of them.

    Parameters
    ----------
    cells
        For each cell its outputs in the notebook format, of any content.
    pictures
        How many pictures are decoded at most; the last ones are.
    """
    groups = [(kind, group) for outputs in cells for kind, group in _groups(outputs)]
    found: list[Shown] = []
    for is_stream, group in reversed(groups):
        if is_stream:
            text = "".join(joined(each.get("text"))[: 20 * MAX_TEXT] for each in group)
            each = Shown("text", plain(text))
        else:
            each = _display(group[0], is_decoded=pictures > 0)
            pictures -= _holds_picture(group[0])
        if each.text or each.png:
            found.append(each)
        if len(found) == MAX_OUTPUTS:
            break
    return tuple(reversed(found))


def attached(attachments: Mapping[str, Any]) -> list[Output]:
    """Return the pictures that were pasted into a text, as if a cell had shown them."""
    bundles = [bundle for bundle in attachments.values() if isinstance(bundle, dict)]
    outputs = [{"output_type": "display_data", "data": bundle} for bundle in bundles]
    return [output for output in outputs if _holds_picture(output)]


def without_pictures(outputs: Iterable[Output]) -> list[Output]:
    """Return those outputs that hold no picture."""
    return [output for output in outputs if not _holds_picture(output)]


def _groups(outputs: Sequence[Output]) -> Iterator[tuple[bool, list[Output]]]:
    """Yield what is shown as one: consecutive texts of a stream, else a single output."""
    for is_stream, group in groupby(outputs, key=lambda each: each.get("output_type") == "stream"):
        if is_stream:
            yield True, list(group)
        else:
            yield from ((False, [each]) for each in group)


def _holds_picture(output: Output) -> bool:
    data = output.get("data")
    return isinstance(data, dict) and "image/png" in data


def _display(output: Output, *, is_decoded: bool) -> Shown:
    """Return what one output that is no stream shows; of a picture not decoded, nothing."""
    kind, data = output.get("output_type"), output.get("data")
    if kind == "error":
        name, value = (joined(output.get(key)) for key in ("ename", "evalue"))
        return Shown("text", plain(f"{name}: {value}"))
    if kind not in ("display_data", "execute_result") or not isinstance(data, dict):
        return Shown("text", "")
    if _holds_picture(output):
        return _picture(data) if is_decoded else Shown("text", "")
    text = plain(joined(data.get("text/plain")))
    is_other = not text and any(key != "text/plain" for key in data)
    return Shown("text", NOT_SHOWN if is_other else text)


def _picture(data: Mapping[str, Any]) -> Shown:
    text = one_line(joined(data.get("text/plain")), limit=200)
    png = reencoded(joined(data.get("image/png")))
    return Shown("picture", text, png) if png else Shown("text", NO_PICTURE)


def reencoded(encoded: str) -> bytes:
    """Return a PNG made anew from the pixels of one in base64; nothing if it is not fit for that.

    Examples
    --------
    >>> reencoded("no picture")
    b''
    """
    if len(encoded) > 2 * MAX_PNG_BYTES:
        return b""
    try:
        content = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
    essential = _essential(content)
    return _from_pixels(essential) if essential else b""


def _essential(content: bytes) -> bytes:
    """Return a PNG without any part that is not pixels; nothing if it is too large or no PNG."""
    if len(content) > MAX_PNG_BYTES or not content.startswith(_PNG_START):
        return b""
    parts, at = [], len(_PNG_START)
    while at + 12 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        kind, part = content[at + 4 : at + 8], content[at + 8 : at + 8 + size]
        if kind in _PNG_PARTS:
            parts.append((kind, part))
        at += size + 12
    if [kind for kind, _ in parts].count(b"IHDR") != 1 or parts[0][0] != b"IHDR":
        return b""
    width, height = (int.from_bytes(parts[0][1][at : at + 4], "big") for at in (0, 4))
    if not 0 < width * height <= MAX_PIXELS:
        return b""
    chunks = (
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part))
        for kind, part in parts
    )
    return _PNG_START + b"".join(chunks)


def _from_pixels(content: bytes) -> bytes:
    """Return the pixels as a PNG of our own, made smaller if need be."""
    from PIL import Image  # noqa: PLC0415 - most submissions show no picture

    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            has_holes = "A" in image.getbands() or "transparency" in image.info
            pixels = image.convert("RGBA" if has_holes else "RGB")
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error, zlib.error):
        return b""
    pixels.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    file = io.BytesIO()
    pixels.save(file, "png", compress_level=6)
    return file.getvalue()
