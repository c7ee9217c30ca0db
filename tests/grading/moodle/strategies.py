"""What hypothesis draws for the intake: names, archives, damaged archives, downloads."""

import io
import zipfile

from hypothesis import strategies as st

SEPARATORS = "/\\"
NASTY_NAMES = [
    "../evil.ipynb",
    "a/../../evil.ipynb",
    "/etc/evil.ipynb",
    "C:\\evil.ipynb",
    "C:evil.ipynb",
    "..\\evil.ipynb",
    "\\\\server\\share\\evil.ipynb",
    "con.ipynb",
    "a/NUL",
    "lpt1.txt/x.ipynb",
    "line\nbreak.ipynb",
    "nul\0byte.ipynb",
    "right\u202eleft.ipynb",
    "bell\a.ipynb",
    "x" * 256 + ".ipynb",
    "ü" * 128,
    "a/" * 2100 + "x.ipynb",
]


def characters() -> st.SearchStrategy[str]:
    """Characters that a zip can hold in a name."""
    return st.characters(codec="utf-8")


def names() -> st.SearchStrategy[str]:
    """Names of files, ordinary and not, as one hands them in."""
    plain = st.from_regex(r"[A-Za-z0-9 äß(),-]{1,12}(\.ipynb|\.txt|\.zip|\.py)?", fullmatch=True)
    odd = st.text(characters(), min_size=1, max_size=12)
    nested = st.lists(st.one_of(plain, odd), min_size=1, max_size=3).map("/".join)
    return st.one_of(plain, nested, st.sampled_from(NASTY_NAMES))


def moodle_names() -> st.SearchStrategy[str]:
    """Names of people as Moodle leaves them: without underscores and slashes."""
    return st.text(
        st.characters(codec="utf-8", categories=["L", "N", "Pd"], include_characters=" .'"),
        min_size=1,
        max_size=20,
    )


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    """Zip archives with a few entries of any name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in draw(st.lists(names(), max_size=4, unique=True)):
            method = draw(st.sampled_from([0, 8, 8, 8, 12, 14]))
            info = zipfile.ZipInfo(name.replace("\0", "") or "x")
            if draw(st.integers(0, 9)) == 0:
                info.external_attr = draw(st.integers(0, 2**32 - 1))
            archive.writestr(info, draw(st.binary(max_size=60)), compress_type=method)
    return stream.getvalue()


@st.composite
def damaged(draw: st.DrawFn, sound: st.SearchStrategy[bytes] | None = None) -> bytes:
    """Archives with bits flipped, cut off, put together, or bytes that never were an archive."""
    if draw(st.integers(0, 7)) == 0:
        return draw(st.binary(max_size=300))
    content = bytearray(draw(sound if sound is not None else archives()))
    for place in draw(st.lists(st.integers(0, max(0, len(content) - 1)), max_size=6)):
        content[place] ^= 1 << draw(st.integers(0, 7))
    for place in draw(st.lists(st.integers(0, max(0, len(content) - 5)), max_size=2)):
        content[place : place + 4] = draw(
            st.sampled_from([b"\xff" * 4, b"\0" * 4, b"PK\x01\x02", b"PK\x06\x06", b"\x01\0\0\0"])
        )
    if draw(st.booleans()):
        cut = draw(st.integers(0, len(content)))
        content = content[:cut] if draw(st.booleans()) else content[cut:]
    return bytes(content)
