"""Zip files that are the same bytes for the same content: no clock, no user, no order of a disk."""

import io
import zipfile
from collections.abc import Mapping

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that the format knows
_MODE = 0o100644 << 16
_UNIX = 3


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of some files.

    Parameters
    ----------
    files
        Path in the zip, with ``/`` -> content.

    Raises
    ------
    ValueError
        If a path is absolute, leads upwards, or holds what not every system can unpack.

    Examples
    --------
    >>> zip_bytes({"a": b"1", "b": b"2"}) == zip_bytes({"b": b"2", "a": b"1"})
    True
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            if not is_safe(name):
                raise ValueError(f"{name!r} cannot be the name of a file in a zip")
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr, info.create_system = _MODE, _UNIX
            archive.writestr(info, files[name])
    return stream.getvalue()


def is_safe(path: str) -> bool:
    """Say whether every system can unpack a file of this path, and within its folder.

    Examples
    --------
    >>> [is_safe(path) for path in ("Ada_1/feedback.html", "../a", "a|b", "/a")]
    [True, False, False, False]
    """
    is_plain = all(part.isprintable() and part not in ("", ".", "..") for part in path.split("/"))
    return is_plain and not any(character in path for character in '\\:*?"<>|')
