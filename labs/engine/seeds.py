"""Seeds of the checks: open ones for the notebook, secret ones for the grader.

A secret seed is an HMAC of what is checked under the course's secret, so it is the same for every
student and every regrade, and nobody without the secret can compute it. This module draws nothing.
"""

import hashlib
import hmac
import secrets
from pathlib import Path

from labs.engine.errors import LabFormatError

_OPEN_KEY = b"open seeds of the visible checks"
_SECRET_BYTES = 32


def open_seed(exercise: str, case: str) -> int:
    """Return the seed of a visible case: the same for everybody, everywhere.

    Examples
    --------
    >>> open_seed("0.1", "shape") == open_seed("0.1", "shape") != open_seed("0.2", "shape")
    True
    """
    return _seed(_OPEN_KEY, "", exercise, case)


def secret_seed(secret: bytes, release: str, *, exercise: str, case: str) -> int:
    """Return the seed of a hidden case in grading.

    Parameters
    ----------
    secret
        The course's secret, from `read_secret`.
    release
        Name of the lab's release; a new release gets new seeds.
    exercise, case
        Id of the exercise and name of the case.

    Examples
    --------
    >>> secret_seed(b"k" * 32, "2026", exercise="0.1", case="shape") < 2**128
    True
    """
    return _seed(secret, release, exercise, case)


def _seed(key: bytes, *parts: str) -> int:
    # Lengths go in too, so that ("a", "bc") and ("ab", "c") differ.
    text = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return int.from_bytes(hmac.new(key, text, hashlib.sha256).digest()[:16], "big")


def create_secret(path: str | Path) -> bytes:
    """Make the course's secret in a new file that only its owner can read, and return it.

    Raises
    ------
    FileExistsError
        If there is one already: replacing it would change every seed.
    """
    secret = secrets.token_bytes(_SECRET_BYTES)
    target = Path(path)
    target.touch(mode=0o600, exist_ok=False)
    target.write_text(secret.hex() + "\n", encoding="ascii")
    return secret


def read_secret(path: str | Path) -> bytes:
    """Return the course's secret.

    Raises
    ------
    LabFormatError
        If the file is readable by others, or does not hold a secret; the message says what to do.
    """
    target = Path(path)
    if (mode := target.stat().st_mode & 0o777) & 0o077:
        raise LabFormatError(
            f"{target} has mode {mode:o}; others could read it: chmod 600 {target}"
        )
    try:
        secret = bytes.fromhex(target.read_text(encoding="ascii").strip())
    except ValueError as err:
        raise LabFormatError(f"{target} does not hold a secret of hexadecimal digits") from err
    if len(secret) != _SECRET_BYTES:
        raise LabFormatError(f"{target} holds {len(secret)} bytes; a secret has {_SECRET_BYTES}")
    return secret
