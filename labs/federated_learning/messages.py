"""What a client's message holds, byte by byte: an update as it travels, and what is refused.

- ``Whole``   every number as float32
- ``Sparse``  some numbers as float32, each with its index
- ``Codes``   every number as a code of 8 bits, and one scale

Each begins with 20 bytes, little-endian: ``FLM1``, the kind (1 byte, then 3 of zero), the number of
weights, of entries, and a checksum (4 bytes each). The checksum finds damage, no forger; that a
message is from whom it says is the business of TLS and node keys. Nothing is encrypted here.
"""

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
HEADER = struct.Struct("<4sB3xIII")
HEADER_BYTES = HEADER.size
MAGIC = b"FLM1"
MOST_CODE = 127  # codes are symmetric: -128 is none


class MessageError(ValueError):
    """A message that is damaged, cut short, forged, or meant for another network."""


@dataclass(frozen=True, eq=False)
class Whole:
    """Every number of an update.

    Parameters
    ----------
    values
        (size,), float32, finite.
    """

    values: Array

    @property
    def size(self) -> int:
        """Number of weights."""
        return len(self.values)


@dataclass(frozen=True, eq=False)
class Sparse:
    """Some numbers of an update; the others count as zero.

    Parameters
    ----------
    size
        Number of weights.
    indices
        (sent,), uint32, ascending, each once and below the size.
    values
        (sent,), float32, finite.
    """

    size: int
    indices: NDArray[np.uint32]
    values: Array


@dataclass(frozen=True, eq=False)
class Codes:
    """Every number of an update, in 8 bits.

    Parameters
    ----------
    codes
        (size,), int8, -127 to 127.
    scale
        (1,), float32, finite and >= 0: what a code of 1 stands for.
    """

    codes: NDArray[np.int8]
    scale: Array

    @property
    def size(self) -> int:
        """Number of weights."""
        return len(self.codes)


Message = Whole | Sparse | Codes
KINDS: dict[int, type[Message]] = {0: Whole, 1: Sparse, 2: Codes}


def encode(message: Message) -> bytes:
    """Return a message as the bytes that are sent.

    Parameters
    ----------
    message
        Of any of the three kinds.

    Raises
    ------
    MessageError
        If `decode` would refuse it.

    Examples
    --------
    >>> message = Sparse(1000, np.array([3, 7], np.uint32), np.array([0.5, -2], np.float32))
    >>> len(encode(message)) - HEADER_BYTES
    16
    """
    _check(message)
    kind = next(number for number, each in KINDS.items() if isinstance(message, each))
    body = b"".join(part.tobytes() for part in _parts(message))
    sent = len(message.values) if isinstance(message, Sparse) else message.size
    start = HEADER.pack(MAGIC, kind, message.size, sent, 0)
    return HEADER.pack(MAGIC, kind, message.size, sent, zlib.crc32(start + body)) + body


def decode(data: bytes, *, size: int) -> Message:
    """Return the message in some bytes, or refuse them.

    Parameters
    ----------
    data
        What arrived.
    size
        Number of weights of the network that the server trains. A message for another is refused
        before memory is taken for it.

    Raises
    ------
    MessageError
        Naming what is wrong: too short or too long, no message, another network, damage, indices
        out of order or out of range, numbers that are not finite.

    Examples
    --------
    >>> decode(b"hello", size=4)
    Traceback (most recent call last):
    ...
    labs.federated_learning.messages.MessageError: a message of 5 bytes; its start alone takes 20, \
so it was cut short: ask for it again
    """
    kind, sent, checksum = _read_header(data, size)
    body = data[HEADER_BYTES:]
    start = HEADER.pack(MAGIC, kind, size, sent, 0)
    if zlib.crc32(start + body) != checksum:
        raise MessageError("the checksum differs: damaged on its way; ask for the message again")
    message: Message
    if kind == 0:
        message = Whole(np.frombuffer(body, "<f4"))
    elif kind == 1:
        indices, values = (
            np.frombuffer(body, "<u4", sent),
            np.frombuffer(body, "<f4", sent, 4 * sent),
        )
        message = Sparse(size, indices, values)
    else:
        message = Codes(np.frombuffer(body, "i1", offset=4), np.frombuffer(body, "<f4", 1))
    _check(message)
    return message


def restore(message: Message) -> Array:
    """Return the update that the server works with, (size,), float32.

    Parameters
    ----------
    message
        As decoded; what a sparse one leaves out is 0.
    """
    if isinstance(message, Whole):
        return message.values.astype(np.float32)
    if isinstance(message, Codes):
        return np.multiply(message.codes, message.scale, dtype=np.float32)
    update = np.zeros(message.size, np.float32)
    update[message.indices] = message.values
    return update


def _read_header(data: bytes, size: int) -> tuple[int, int, int]:
    if len(data) < HEADER_BYTES:
        raise MessageError(
            f"a message of {len(data)} bytes; its start alone takes {HEADER_BYTES}, so it was cut "
            "short: ask for it again"
        )
    magic, kind, claimed, sent, checksum = HEADER.unpack_from(data)
    if magic != MAGIC or kind not in KINDS:
        raise MessageError(
            f"a message begins with {MAGIC!r} and a kind of {', '.join(map(str, KINDS))}; this one "
            f"with {magic!r} and {kind}: it was made by another program"
        )
    if claimed != size:
        raise MessageError(
            f"a message for {claimed:,} weights; this network has {size:,}: send the client the "
            "network again"
        )
    wanted = {0: 4 * size, 1: 8 * sent, 2: 4 + size}[kind]
    if len(data) - HEADER_BYTES != wanted or sent > size or (kind != 1 and sent != size):
        raise MessageError(
            f"a message of {sent:,} entries holds {wanted:,} bytes after its start; this one "
            f"{len(data) - HEADER_BYTES:,}: it was cut short or forged; ask for it again"
        )
    return kind, sent, checksum


def _parts(message: Message) -> list[NDArray[np.generic]]:
    if isinstance(message, Whole):
        return [message.values.astype("<f4")]
    if isinstance(message, Sparse):
        return [message.indices.astype("<u4"), message.values.astype("<f4")]
    return [message.scale.astype("<f4"), message.codes]


def _check(message: Message) -> None:
    numbers = message.scale if isinstance(message, Codes) else message.values
    wanted: dict[str, tuple[NDArray[np.generic], str]] = {"numbers": (numbers, "float32")}
    if isinstance(message, Sparse):
        wanted["indices"] = (message.indices, "uint32")
    if isinstance(message, Codes):
        wanted["codes"] = (message.codes, "int8")
    for name, (array, kind) in wanted.items():
        if array.ndim != 1 or array.dtype != np.dtype(kind):
            raise MessageError(
                f"{name} of a message are {array.dtype} of shape {array.shape}; give a flat array "
                f"of {kind}"
            )
    if not np.isfinite(numbers).all():
        raise MessageError("a message holds NaN or infinity; leave this client out of the round")
    if isinstance(message, Sparse):
        _check_indices(message)
    if isinstance(message, Codes):
        _check_codes(message)


def _check_indices(message: Sparse) -> None:
    indices = message.indices.astype(np.int64)
    if len(indices) != len(message.values):
        raise MessageError(
            f"{len(indices)} indices and {len(message.values)} values; give one for each"
        )
    if not (np.diff(indices) > 0).all() or (len(indices) and indices[-1] >= message.size):
        raise MessageError(
            f"indices of a message ascend, each once, up to {message.size - 1}; these do not: "
            "leave this client out of the round"
        )


def _check_codes(message: Codes) -> None:
    if len(message.scale) != 1 or message.scale[0] < 0:
        raise MessageError(f"a message has one scale of 0 or more, not {message.scale}")
    if len(message.codes) and message.codes.min() < -MOST_CODE:
        raise MessageError(f"codes go from -{MOST_CODE} to {MOST_CODE}; this message holds -128")
