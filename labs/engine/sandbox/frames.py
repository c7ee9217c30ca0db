"""The form of what passes between a desk and the process of student code: one frame a message.

A frame is 4 bytes length of the payload, 1 byte kind, 4 bytes number of the message, then the
payload; numbers are big-endian. To the inside go `WITHHOLD`, `RUN`, `NEW`, `REQUEST` and, while one
of those is under way, `CALLBACK` with the answer to a callback. From the inside come `DONE`,
`ANSWER` and `CALLBACK`, with the number of the message that they belong to. What comes from the
inside is hostile: `labs.engine.sandbox.desk` reads it with a cap on every length. This module
neither reads nor writes.
"""

import struct

from labs.engine.codec import MAX_BYTES
from labs.engine.errors import ExchangeError

WITHHOLD, RUN, NEW, REQUEST, CALLBACK = b"W", b"X", b"N", b"R", b"C"
DONE, ANSWER = b"D", b"A"
HEADER = struct.Struct(">IcI")
_NUMBERS = 2**32


def pack(kind: bytes, payload: bytes, *, number: int) -> bytes:
    r"""Return a frame.

    Raises
    ------
    ExchangeError
        If the payload exceeds `labs.engine.codec.MAX_BYTES`.

    Examples
    --------
    >>> pack(RUN, b"x = 1", number=2)
    b'\x00\x00\x00\x05X\x00\x00\x00\x02x = 1'
    """
    check(payload)
    return HEADER.pack(len(payload), kind, number % _NUMBERS) + payload


def check(payload: bytes) -> None:
    """Raise `ExchangeError` if a payload is too long for a frame."""
    if len(payload) > MAX_BYTES:
        raise ExchangeError(f"a message of {len(payload):,} bytes; at most {MAX_BYTES:,}")


def unpack(header: bytes) -> tuple[int, bytes, int]:
    r"""Return length of the payload, kind and number of a frame from its header.

    Examples
    --------
    >>> unpack(b"\x00\x00\x00\x05X\x00\x00\x00\x02")
    (5, b'X', 2)
    """
    length, kind, number = HEADER.unpack(header)
    return length, kind, number
