"""Messages: they survive the way, and what is cut, damaged or forged is refused."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from labs.federated_learning import messages
from labs.federated_learning.messages import Codes, MessageError, Sparse, Whole

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def updates(most: int = 40) -> st.SearchStrategy[np.ndarray]:
    """Return finite float32 arrays of one dimension."""
    return arrays.arrays(np.float32, st.integers(0, most), elements=FLOATS)


@given(values=updates())
def test_whole_comes_back_bit_by_bit(values: np.ndarray) -> None:
    data = messages.encode(Whole(values))
    assert len(data) == messages.HEADER_BYTES + 4 * len(values)
    back = messages.restore(messages.decode(data, size=len(values)))
    assert back.tobytes() == values.tobytes()


@given(data=st.data(), size=st.integers(1, 60))
def test_sparse_comes_back(data: st.DataObject, size: int) -> None:
    places = sorted(data.draw(st.sets(st.integers(0, size - 1))))
    values = data.draw(arrays.arrays(np.float32, len(places), elements=FLOATS))
    message = Sparse(size, np.array(places, np.uint32), values)
    sent = messages.encode(message)
    assert len(sent) == messages.HEADER_BYTES + 8 * len(places)
    back = messages.decode(sent, size=size)
    assert isinstance(back, Sparse)
    assert back.indices.tolist() == places
    restored = messages.restore(back)
    assert restored[places].tobytes() == values.tobytes()
    assert np.count_nonzero(np.delete(restored, places)) == 0


@given(
    codes=arrays.arrays(np.int8, st.integers(0, 40), elements=st.integers(-127, 127)),
    scale=st.floats(0, 1e6, width=32),
)
def test_codes_come_back(codes: np.ndarray, scale: float) -> None:
    sent = messages.encode(Codes(codes, np.array([scale], np.float32)))
    assert len(sent) == messages.HEADER_BYTES + 4 + len(codes)
    back = messages.restore(messages.decode(sent, size=len(codes)))
    assert back.dtype == np.float32
    assert back.tolist() == (codes * np.float32(scale)).tolist()


def test_bytes_stand_where_the_text_says() -> None:
    """By hand: magic, kind and 3 zeros, 5 weights, 1 entry, checksum; 2, 0.5."""
    start, body = (
        b"FLM1" + bytes([1, 0, 0, 0]) + struct.pack("<II", 5, 1),
        struct.pack("<If", 2, 0.5),
    )
    checksum = struct.pack("<I", zlib.crc32(start + bytes(4) + body))
    message = Sparse(5, np.array([2], np.uint32), np.array([0.5], np.float32))
    assert messages.encode(message) == start + checksum + body


@given(at=st.integers(0), bit=st.integers(0, 7))
def test_one_flipped_bit_is_refused(at: int, bit: int) -> None:
    data = bytearray(messages.encode(Whole(np.arange(6, dtype=np.float32))))
    data[at % len(data)] ^= 1 << bit
    if data[5:8] == bytes(3):  # the three bytes that fill up are not read
        with pytest.raises(MessageError):
            messages.decode(bytes(data), size=6)


@given(cut=st.integers(1, 43))
def test_cut_short_is_refused(cut: int) -> None:
    data = messages.encode(Whole(np.arange(6, dtype=np.float32)))
    with pytest.raises(MessageError, match="cut short"):
        messages.decode(data[:-cut], size=6)


@given(data=st.binary(max_size=80))
def test_any_bytes_raise_nothing_else(data: bytes) -> None:
    with pytest.raises(MessageError):
        messages.decode(data, size=7)


def forged(kind: int, size: int, sent: int, body: bytes) -> bytes:
    """Return a message with a right checksum, whatever it holds."""
    start = messages.HEADER.pack(messages.MAGIC, kind, size, sent, 0)
    return messages.HEADER.pack(messages.MAGIC, kind, size, sent, zlib.crc32(start + body)) + body


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (forged(1, 4_000_000_000, 0, b""), "for 4,000,000,000 weights; this network has 4"),
        (forged(1, 4, 1, struct.pack("<If", 4, 1)), "indices of a message ascend"),
        (forged(1, 4, 2, struct.pack("<IIff", 2, 1, 1, 1)), "indices of a message ascend"),
        (forged(1, 4, 2, struct.pack("<IIff", 1, 1, 1, 1)), "indices of a message ascend"),
        (forged(1, 4, 1, struct.pack("<If", 1, float("nan"))), "NaN or infinity"),
        (forged(1, 4, 5, struct.pack("<5I5f", *range(5), *range(5))), "cut short or forged"),
        (forged(0, 4, 4, struct.pack("<4f", 0, 0, float("inf"), 0)), "NaN or infinity"),
        (forged(0, 4, 3, struct.pack("<4f", 0, 0, 0, 0)), "cut short or forged"),
        (forged(2, 4, 4, struct.pack("<f4b", 1, 0, -128, 0, 0)), "-128"),
        (forged(2, 4, 4, struct.pack("<f4b", -1, 0, 0, 0, 0)), "one scale of 0 or more"),
        (forged(3, 4, 4, bytes(16)), "made by another program"),
    ],
)
def test_forged_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(MessageError, match=says):
        messages.decode(data, size=4)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (Whole(np.zeros(3)), "numbers of a message are float64"),
        (Sparse(3, np.zeros(1, np.int64), np.zeros(1, np.float32)), "give a flat array of uint32"),
        (Sparse(3, np.zeros(1, np.uint32), np.zeros(2, np.float32)), "1 indices and 2 values"),
        (Codes(np.zeros(3, np.int16), np.zeros(1, np.float32)), "give a flat array of int8"),
        (Codes(np.zeros(3, np.int8), np.zeros(2, np.float32)), "one scale"),
    ],
)
def test_what_cannot_be_read_is_not_sent(message: messages.Message, says: str) -> None:
    with pytest.raises(MessageError, match=says):
        messages.encode(message)
