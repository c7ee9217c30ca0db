"""Archives made to do harm where they are unpacked, and an unpacker that lets them.

Each maker returns the bytes of a zip that a student hands in. What it is after lies below `place`,
the folder of decoys: a file named ``dcy`` that appears there, or the content of ``secret``.
`unpack` does what a trusting unpacker does, within bounds: names are joined, links are made,
archives in archives are opened.
"""

import io
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

BOMB_BYTES = 60_000_000
MOST_BYTES = 100_000_000  # what the trusting unpacker writes before it is stopped
Maker = Callable[[Path, bytes], bytes]


def _zip(entries: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return content.getvalue()


def _link(name: str, target: str, entries: dict[str, bytes], *, kind: int = stat.S_IFLNK) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, (kind | 0o777) << 16
        archive.writestr(info, target)
        for each, data in entries.items():
            archive.writestr(each, data)
    return content.getvalue()


def climbing(place: Path, notebook: bytes) -> bytes:
    """Go up with dots."""
    up = "../" * 12
    return _zip({"quickstart.ipynb": notebook, f"{up}{str(place)[1:]}/dcy": b"here"})


def climbing_backwards(place: Path, notebook: bytes) -> bytes:
    """Go up with dots and backslashes, as Windows writes them."""
    up = "..\\" * 12
    return _zip({"quickstart.ipynb": notebook, f"{up}{str(place)[1:]}\\dcy": b"here"})


def absolute(place: Path, notebook: bytes) -> bytes:
    """Name the place from the root on."""
    return _zip({"quickstart.ipynb": notebook, f"{place}/dcy": b"here"})


def link_to_a_file(place: Path, notebook: bytes) -> bytes:
    """Hand in a link to a secret as the notebook."""
    return _link("quickstart.ipynb", f"{place}/secret", {"other.ipynb": notebook})


def link_to_a_folder(place: Path, notebook: bytes) -> bytes:
    """Hand in a link to a folder, and a file in it."""
    return _link("way", str(place), {"quickstart.ipynb": notebook, "way/dcy": b"here"})


def pipe(place: Path, notebook: bytes) -> bytes:
    """Hand in a named pipe, of which reading never ends."""
    return _link("quickstart.ipynb", "", {"other.ipynb": notebook}, kind=stat.S_IFIFO)


def bomb(place: Path, notebook: bytes) -> bytes:
    """Hand in zeros."""
    return _zip({"quickstart.ipynb": notebook, "data.bin": bytes(BOMB_BYTES)})


def nested_bomb(place: Path, notebook: bytes) -> bytes:
    """Hand in zeros, packed twice, six times."""
    inner = _zip({"data.bin": bytes(BOMB_BYTES // 6)})
    return _zip({"quickstart.ipynb": notebook, **{f"{n}.zip": inner for n in range(6)}})


def bottomless(place: Path, notebook: bytes) -> bytes:
    """Put archives into archives, forty deep, with zeros on each level."""
    content = _zip({})
    for _ in range(40):
        content = _zip({"more.zip": content, "data.bin": bytes(2_000_000)})
    return _zip({"quickstart.ipynb": notebook, "more.zip": content})


def many(place: Path, notebook: bytes) -> bytes:
    """Hand in files without an end."""
    return _zip({"quickstart.ipynb": notebook, **{f"{n}.txt": b"" for n in range(20_000)}})


def encrypted(place: Path, notebook: bytes) -> bytes:
    """Say that the notebook is encrypted."""
    content = bytearray(_zip({"quickstart.ipynb": notebook}))
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def overlapping(place: Path, notebook: bytes) -> bytes:
    """Let many entries of the directory name the same bytes."""
    content = _zip({"a": bytes(1_000_000)})
    start = content.rindex(b"PK\x01\x02")
    end = content.rindex(b"PK\x05\x06")
    entry = content[start:end]
    count = 5000
    tail = bytearray(content[end:])
    tail[8:12] = count.to_bytes(2, "little") * 2
    tail[12:16] = (len(entry) * count).to_bytes(4, "little")
    return content[:start] + entry * count + bytes(tail)


def lying(place: Path, notebook: bytes) -> bytes:
    """Declare another size than there is."""
    content = bytearray(_zip({"quickstart.ipynb": notebook}))
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = (100).to_bytes(4, "little")
    return bytes(content)


def strange_names(place: Path, notebook: bytes) -> bytes:
    """Use names that some system cannot have or shows as something else."""
    names = ["CON", "aux.ipynb", "x" * 300, "a\nb.ipynb", "\u202egnp.ipynb", "A.ipynb", "a.ipynb"]
    names += [".ipynb_checkpoints/quickstart-checkpoint.ipynb", "=1+1.ipynb", "a/../b.ipynb", " "]
    return _zip({"quickstart.ipynb": notebook, **dict.fromkeys(names, b"{}")})


# Maker -> the classes it belongs to, and whether a trusting unpacker falls for it.
ARCHIVES: dict[Maker, tuple[tuple[str, ...], bool]] = {
    climbing: (("22",), True),
    climbing_backwards: (("22",), False),
    absolute: (("22",), True),
    link_to_a_file: (("22", "37"), True),
    link_to_a_folder: (("22", "37"), True),
    pipe: (("37",), False),
    bomb: (("23",), True),
    nested_bomb: (("23",), True),
    bottomless: (("23",), True),
    many: (("23",), True),
    encrypted: (("37",), False),
    overlapping: (("23",), False),
    lying: (("23",), False),
    strange_names: (("37", "41"), False),
}


class Stopped(Exception):
    """The trusting unpacker has written as much as it may."""


def unpack(content: bytes, folder: Path, *, left: list[int] | None = None) -> None:
    """Unpack an archive as somebody does who trusts it."""
    left = [MOST_BYTES] if left is None else left
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for info in archive.infolist():
            target = Path(os.path.normpath(f"{folder}/{info.filename}"))
            target = Path(info.filename) if info.filename.startswith("/") else target
            target.parent.mkdir(parents=True, exist_ok=True)
            data = archive.read(info)
            left[0] -= len(data) + 4096
            if left[0] < 0:
                raise Stopped
            if stat.S_ISLNK(info.external_attr >> 16):
                target.symlink_to(data.decode())
            else:
                target.write_bytes(data)
            if target.suffix == ".zip":
                unpack(data, target.with_suffix(""), left=left)
