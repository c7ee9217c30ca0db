"""Plain text and links from what students type into Moodle, or hand in as a text file.

HTML is taken apart into text and never shown as HTML; links are read and never followed. It is
done here and not by Python's `html.parser`, whose time grows with the square of a hostile page.
"""

import html
import re

_BLOCKS = set("br div h1 h2 h3 h4 h5 h6 hr li p pre table td th tr ul".split())  # noqa: SIM905
_SILENT = {"script", "style", "template", "title"}
_COMMENT, _COMMENT_END = "<!--", "-->"
_PIECES = re.compile(r"(<!--|-->|<[^<>]*>)")  # stops at the next <: as long as the page, no longer
_TAG = re.compile(r"<(?P<name>/?[A-Za-z][A-Za-z0-9]*)")
_TARGET = re.compile(r"""\shref\s*=\s*(["'])([^"'<>]{1,2000})\1""", re.I)
_COLAB = re.compile(r"https?://colab\.research\.google\.com/[!#%&()*+,\-./:;=?@\w~]{1,480}", re.A)
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def colab_link(text: str) -> str:
    """Return the first link to Colab in a text, or an empty text.

    Examples
    --------
    >>> colab_link("See (https://colab.research.google.com/drive/1aB?usp=sharing).")
    'https://colab.research.google.com/drive/1aB?usp=sharing'
    >>> colab_link("https://colab.research.google.com.evil.example/x")
    ''
    """
    match = _COLAB.search(text)
    return match[0].rstrip(".,;:!)(*") if match else ""


def decoded(content: bytes) -> str:
    """Return the text in a file whose encoding nobody states; never fails."""
    encoding = next((e for bom, e in _BOMS.items() if content.startswith(bom)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return content.decode("latin-1")


def plain_text(page: str) -> str:
    """Return the text of a piece of HTML: blocks as lines, the target of each link after its text.

    Examples
    --------
    >>> plain_text('<p>See <a href="https://a.example/?x=1&amp;y=2">this</a></p><script>1</script>')
    'See this (https://a.example/?x=1&y=2)'
    """
    parts: list[str] = []
    silent = link = ""
    for piece in _PIECES.split(page):
        match = _TAG.match(piece)
        name = match["name"].lower() if match else ""
        if silent:  # a comment or a script, up to its end
            is_end = piece.endswith(silent) if silent == _COMMENT_END else name == silent
            silent = "" if is_end else silent
        elif piece == _COMMENT:
            silent = _COMMENT_END
        elif match is None:
            parts.append("" if piece.startswith(("<!", "<?")) else _unescaped(piece))
        elif name in _SILENT:
            silent = f"/{name}"
        elif name == "a":
            target = _TARGET.search(piece)
            link = _unescaped(target[2]) if target else ""
        elif name == "/a" and link:
            parts.append("" if "".join(parts[-1:]).strip() == link else f" ({link})")
            link = ""
        elif name.removeprefix("/") in _BLOCKS:
            parts.append("\n")
    lines = (" ".join(line.split()) for line in "".join(parts).splitlines())
    return "\n".join(line for line in lines if line)


def _unescaped(text: str) -> str:
    # Python refuses to read very long numbers, and no character has one.
    return html.unescape(re.sub(r"&#x?[0-9a-f]{9,};?", "?", text, flags=re.I))
