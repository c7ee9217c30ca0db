"""Pages for people: our own HTML around text that nobody trusts.

A page is one file that needs nothing else: no script, no link away from itself, nothing fetched,
and a policy (CSP) that forbids the browser all of that again. A text becomes part of a page only
through `element`, which shows it as text, whatever is in it; only what `element` returned counts as
HTML. Characters that hide, reorder or steer text are shown by name. Pages follow the reader's dark
or light setting and print in dark on white. What a page says is decided by its callers.
"""

import base64
import hashlib
import html
import re
import struct
import unicodedata
from collections.abc import Sequence

_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and cursor movements
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # window titles, links and other strings
)
_UNUSUAL = re.compile(r"[^\n\t\x20-\x7e\xa1-\xac\xae-\u02ff]")
_ACCENT = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_TOWER = re.compile(f"({_ACCENT}{{4}}){_ACCENT}+")  # would be drawn over the lines around it
_JOINERS = "\u200c\u200d"  # invisible, and needed in Persian and Hindi
_VOID = ("br", "img", "meta")
_PNG_START = b"\x89PNG\r\n\x1a\n"
MAX_PICTURE_BYTES = 400_000
MAX_PICTURE_SIDE = 4096
MAX_LINE = 400

# Name of a shade -> text and background, in light and in dark; WCAG AA for each pair.
SHADES = {
    "light": {
        "page": ("#1c1e21", "#ffffff"),
        "soft": ("#565b63", "#ffffff"),
        "box": ("#1c1e21", "#f4f5f7"),
        "good": ("#12592f", "#e0f3e6"),
        "some": ("#6b4400", "#fdf0cf"),
        "bad": ("#8f1d1d", "#fbe5e3"),
        "halt": ("#6a1f7a", "#f5e6f8"),
        "none": ("#454a52", "#e9ebee"),
        "wait": ("#124c86", "#e1eefb"),
    },
    "dark": {
        "page": ("#e6e7e9", "#16181b"),
        "soft": ("#a6abb3", "#16181b"),
        "box": ("#e6e7e9", "#212429"),
        "good": ("#9fe0b5", "#173523"),
        "some": ("#f3d184", "#3a2e10"),
        "bad": ("#ffb4ab", "#471f1d"),
        "halt": ("#e9b9f3", "#3b1f43"),
        "none": ("#c9cdd3", "#2e3238"),
        "wait": ("#a9d0f7", "#182f47"),
    },
}
_RULES = """
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:50rem;color:var(--page);
background:var(--page-back);font:1rem/1.5 system-ui,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
body.wide{max-width:80rem}
h1,h2,h3{line-height:1.25;text-wrap:balance}h1{font-size:1.6rem;margin:0 0 .5rem}
h2{font-size:1.25rem;margin:2.5rem 0 .5rem}h3{font-size:1rem;margin:1.4rem 0 .4rem}
p{margin:.4rem 0}.soft,small,caption{color:var(--soft)}.kicker{margin:0;color:var(--soft)}
.total{font-size:1.25rem;font-weight:600}
article{border-top:1px solid var(--none-back);margin-top:2.5rem}article>h2{margin-top:1.5rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:.6rem 0}
caption{text-align:left;padding-bottom:.3rem;font-size:.9rem}
th,td{padding:.35rem .6rem;text-align:left;vertical-align:top;
border-bottom:1px solid var(--none-back)}
thead th{font-size:.9rem;color:var(--soft);vertical-align:bottom}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td small{display:block;white-space:nowrap}
.wide th[scope=row]{min-width:11rem}.wide th,.wide td{padding:.35rem .45rem}
.wide thead .tag{padding:0 .35rem;font-size:.8rem}dd>ul{margin-top:0}
.tag{display:inline-block;padding:.05rem .5rem;border-radius:.7rem;font-size:.9rem;
white-space:nowrap}
pre{margin:.3rem 0;padding:.7rem .9rem;border-radius:.4rem;color:var(--box);
background:var(--box-back);font-size:.85rem;line-height:1.45;tab-size:4}
pre,code{font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}
code{overflow-wrap:anywhere;font-size:.88em}
pre,.theirs{white-space:pre-wrap;overflow-wrap:anywhere;overflow:hidden;unicode-bidi:isolate}
td,th,li,dd{overflow-wrap:break-word;unicode-bidi:isolate}
ul{margin:.4rem 0;padding-left:1.4rem}li{margin:.35rem 0}ul.cases{list-style:none;padding:0}
.cases>li{margin:.6rem 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.4rem 1rem;margin:.6rem 0}dd{margin:0}
figure{margin:.6rem 0}figcaption{font-size:.9rem;color:var(--soft)}
img{max-width:100%;height:auto;background:#fff}
a{color:inherit}
svg{display:block;width:100%;min-width:6rem;height:.8rem}
details{margin:.6rem 0}summary{cursor:pointer}
@media(max-width:34rem){dl{display:block}dd{margin:0 0 .6rem}}
@media screen and (max-width:34rem){.scroll img{max-width:none}}
@page{margin:18mm}
@media print{body{padding:0;max-width:none;font-size:10pt}h2,h3{break-after:avoid}
tr,figure,.cases>li{break-inside:avoid}.tag,pre{border:1px solid var(--none)}}
"""


class Markup(str):
    """HTML that `element` made; any other text is shown as text."""

    __slots__ = ()


def visible(text: str) -> str:
    r"""Return a text in which nothing hides: what steers or cannot be seen is shown by name.

    Terminal colours go. Control characters, invisible ones and those that reorder a line become
    ``[U+202E]``, what is no character becomes the replacement character, towers of accents end.

    Examples
    --------
    >>> visible("\x1b[31mred\x1b[0m, a\u202eb, NUL \0")
    'red, a[U+202E]b, NUL [U+0000]'
    """
    text = _TOWER.sub(r"\1", _ANSI.sub("", text).replace("\r\n", "\n"))
    return _UNUSUAL.sub(lambda found: _named(found[0]), text)


def _named(character: str) -> str:
    code, category = ord(character), unicodedata.category(character)
    if category in ("Zl", "Zp") or character == "\r":
        return "\n"
    if category == "Cs" or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
        return "\ufffd"
    is_hidden = category in ("Cc", "Cf") and character not in _JOINERS
    return f"[U+{code:04X}]" if is_hidden else character


def excerpt(text: str, *, characters: int, lines: int) -> tuple[str, str]:
    """Return the start of a text, nothing hidden in it, and a sentence if it is not the whole.

    Examples
    --------
    >>> excerpt("a" * 30, characters=4, lines=2)
    ('aaaa', 'Shortened: the first 4 of 30 characters.')
    >>> excerpt("x = 1", characters=100, lines=2)
    ('x = 1', '')
    """
    start = visible(text[:characters])
    shown = "\n".join(start.split("\n")[:lines])
    if len(text) <= characters and len(shown) == len(start):
        return shown, ""
    return shown, f"Shortened: the first {len(shown):,} of {len(text):,} characters."


def line(text: str, *, characters: int = MAX_LINE) -> str:
    r"""Return a text as one line, its start if it is long.

    Examples
    --------
    >>> line("one\n  two"), line("abcdef", characters=3)
    ('one two', 'abc… (3 characters more)')
    """
    more = len(text) - characters
    start = " ".join(visible(text[:characters]).split())
    return f"{start}… ({more:,} characters more)" if more > 0 else start


def element(name: str, *children: str, **attributes: str) -> Markup:
    """Return an HTML element.

    Parameters
    ----------
    name
        Name of the element.
    children
        `Markup` as it is, any other text shown as text.
    attributes
        Values are texts; a trailing underscore of a name is dropped: ``class_``.

    Examples
    --------
    >>> element("p", "1 < 2, ", element("b", "so"), class_="soft")
    '<p class="soft">1 &lt; 2, <b>so</b></p>'
    """
    start = "".join(
        f' {key.rstrip("_")}="{html.escape(visible(value))}"' for key, value in attributes.items()
    )
    if name in _VOID:
        return Markup(f"<{name}{start}>")
    inner = "".join(
        child if isinstance(child, Markup) else html.escape(visible(child)) for child in children
    )
    return Markup(f"<{name}{start}>{inner}</{name}>")


def join(*parts: str) -> Markup:
    """Return parts one after the other, each `Markup` or a text to show as text."""
    texts = (part if isinstance(part, Markup) else html.escape(visible(part)) for part in parts)
    return Markup("".join(texts))


def block(text: str, *, characters: int, lines: int) -> Markup:
    """Return a text of several lines as it was written, its start and a note if it is long."""
    shown, note = excerpt(text, characters=characters, lines=lines)
    # Browsers drop a line break right after <pre>, so there is one to drop.
    return join(element("pre", "\n", shown), element("p", note, class_="soft") if note else "")


def table(header: Sequence[str], rows: Sequence[Sequence[Markup]], *, caption: str) -> Markup:
    """Return a table; the first cell of a row heads it.

    Parameters
    ----------
    header
        Heads of the columns; a text that begins with ``#`` (which is dropped) is for numbers, and
        so is `Markup`.
    rows
        One sequence of `cell` a row.
    caption
        A line above the table.
    """
    body = (element("tr", *row) for row in rows)
    inner = (
        element("caption", caption),
        element("thead", element("tr", *map(_head, header))),
        element("tbody", *body),
    )
    return element("div", element("table", *inner), class_="scroll")


def _head(head: str) -> Markup:
    is_number = isinstance(head, Markup) or head.startswith("#")
    text = head if isinstance(head, Markup) else head.removeprefix("#")
    return element("th", text, scope="col", **({"class_": "number"} if is_number else {}))


def cell(*children: str, is_number: bool = False, is_head: bool = False) -> Markup:
    """Return one cell of a table.

    Parameters
    ----------
    children
        What stands in it.
    is_number
        Whether it is aligned to the right.
    is_head
        Whether it says what its row is about.
    """
    attributes = {"class_": "number"} if is_number else {}
    if is_head:
        return element("th", *children, scope="row", **attributes)
    return element("td", *children, **attributes)


def tag(word: str, *, shade: str) -> Markup:
    """Return a word on a coloured ground; the colour only repeats what the word says."""
    return element("span", word, class_=f"tag {shade}")


def picture(png: bytes, *, alt: str) -> Markup:
    """Return a PNG as part of the page, or a sentence if it cannot be shown.

    Parameters
    ----------
    png
        Content of the file. One with huge sides takes gigabytes once it is drawn, however small
        the file is, so it is not shown.
    alt
        What it shows, in words.
    """
    if len(png) > MAX_PICTURE_BYTES:
        return element("p", f"A picture of {len(png):,} bytes is not shown here.", class_="soft")
    is_png = png.startswith(_PNG_START) and len(png) >= 24 and png[12:16] == b"IHDR"
    width, height = struct.unpack(">II", png[16:24]) if is_png else (0, 0)
    if not (0 < width <= MAX_PICTURE_SIDE and 0 < height <= MAX_PICTURE_SIDE):
        return element("p", "A picture that cannot be shown here.", class_="soft")
    source = "data:image/png;base64," + base64.b64encode(png).decode("ascii")
    return element("img", src=source, alt=alt, width=str(width), height=str(height))


def number(value: float | None) -> str:
    """Return a number in at most four decimals, or nothing if there is none.

    Examples
    --------
    >>> number(4.0), number(2.86), number(1 / 3), number(None)
    ('4', '2.86', '0.3333', '')
    """
    if value is None:
        return ""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def plural(count: int, noun: str) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> plural(1, "case"), plural(2, "case")
    ('1 case', '2 cases')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def page(title: str, *body: Markup, is_wide: bool = False) -> str:
    """Return a whole page.

    Parameters
    ----------
    title
        Its title, in the window and for screen readers.
    body
        What stands on it.
    is_wide
        Whether it holds wide tables.
    """
    meta = (
        element("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name_="color-scheme", content="light dark"),
        element("meta", name_="referrer", content="no-referrer"),
        element("title", line(title)),
        Markup(f"<style>{STYLE}</style>"),
    )
    main = element("main", *body)
    inner = join(
        element("head", *meta), element("body", main, **({"class_": "wide"} if is_wide else {}))
    )
    return f"<!DOCTYPE html>\n{element('html', inner, lang='en')}\n"


def _style() -> str:
    def variables(mode: str) -> str:
        return "".join(
            f"--{name}:{front};--{name}-back:{back};"
            for name, (front, back) in SHADES[mode].items()
        )

    shades = "".join(
        f".{name}{{color:var(--{name});background:var(--{name}-back);fill:var(--{name})}}"
        for name in SHADES["light"]
        if name not in ("page", "soft", "box")
    )
    return (
        f":root{{color-scheme:light dark;{variables('light')}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{variables('dark')}}}}}"
        f"{_RULES}{shades}"
    ).replace("\n", "")


STYLE = _style()
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode("ascii")
# Nothing but this very style sheet and pictures that are part of the page.
POLICY = (
    f"default-src 'none'; img-src data:; style-src 'sha256-{_DIGEST}'; "
    "base-uri 'none'; form-action 'none'"
)
