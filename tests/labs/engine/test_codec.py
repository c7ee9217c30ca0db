"""The format between checks and student code: round trips, and refusal of everything else."""

import contextlib
import gc
import json
import math
import sys
import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from labs.engine import codec
from labs.engine.errors import ExchangeError

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
    ),
    max_leaves=20,
)
arrays = hnp.arrays(
    dtype=st.sampled_from(["u1", "i8", "f4", "f8", "?", "c8"]),
    shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)


def same_types(a: object, b: object) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return all(same_types(x, y) for x, y in zip(a.values(), b.values(), strict=True))
    if isinstance(a, list | tuple):
        return all(same_types(x, y) for x, y in zip(a, b, strict=True))
    return True


@given(values)
def test_plain_data_come_back_equal_and_with_the_same_types(value):
    back = codec.decode(codec.encode(value))
    assert back == value
    assert same_types(back, value)


@given(arrays)
def test_arrays_come_back_bit_for_bit(array):
    back = codec.decode(codec.encode([array, {"again": array}]))
    for copy in (back[0], back[1]["again"]):
        assert type(copy) is np.ndarray
        assert (copy.dtype, copy.shape) == (array.dtype, array.shape)
        assert copy.tobytes() == np.ascontiguousarray(array).tobytes()


def test_fortran_order_keeps_the_values():
    array = np.asfortranarray(np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(codec.decode(codec.encode(array)), array)


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinities_pass(value):
    assert codec.decode(codec.encode(value)) == value


def test_nan_passes():
    assert math.isnan(codec.decode(codec.encode(math.nan)))


def test_tensors_are_restored_for_students_and_arrays_for_checks():
    message = codec.encode(torch.tensor([1.0, 2.0], requires_grad=True))
    assert isinstance(codec.decode(message, tensors=True), torch.Tensor)
    assert type(codec.decode(message)) is np.ndarray
    half = codec.decode(codec.encode(torch.tensor([1.5], dtype=torch.bfloat16)))
    assert half.tolist() == [1.5]


class TextThatLies(str):
    __slots__ = ()

    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


class NumberThatLies(float):
    def __eq__(self, other):
        return True

    __hash__ = float.__hash__


class ArrayThatLies(np.ndarray):
    def __array_ufunc__(self, *_, **__):
        return np.bool_(True)


def test_subclasses_lose_their_tricks():
    value = [TextThatLies("no"), NumberThatLies(2.0), np.zeros(2).view(ArrayThatLies)]
    text, number, array = codec.decode(codec.encode(value))
    assert type(text) is str
    assert text != "yes"
    assert type(number) is float
    assert number != 1.0
    assert type(array) is np.ndarray


@pytest.mark.parametrize(
    "value",
    [object(), {1.5: 0}, {True: 0}, lambda: 0, np.array([None]), np.array(["text"]), 1j, b"bytes"],
    ids=[
        "object",
        "float key",
        "bool key",
        "function",
        "object array",
        "text array",
        "complex",
        "bytes",
    ],
)
def test_what_is_no_data_is_refused(value):
    with pytest.raises(ExchangeError):
        codec.encode(value)


def test_depth_is_limited_on_both_ends():
    deep: list = []
    for _ in range(codec.MAX_DEPTH + 1):
        deep = [deep]
    with pytest.raises(ExchangeError, match="deep"):
        codec.encode(deep)
    header = ("[" * 100_000 + "]" * 100_000).encode()
    with pytest.raises(ExchangeError):
        codec.decode(len(header).to_bytes(4, "big") + header)


def test_size_is_limited_on_both_ends():
    with pytest.raises(ExchangeError, match="1,000"):
        codec.encode(np.zeros(200), max_bytes=1000)
    with pytest.raises(ExchangeError, match="1,000"):
        codec.decode(b"\0" * 1001, max_bytes=1000)
    with pytest.raises(ExchangeError, match=f"{codec.MAX_BYTES:,}"):
        codec.decode(bytes(codec.MAX_BYTES + 1))


def message_of(header: object, *blobs: bytes) -> bytes:
    text = json.dumps(header).encode()
    parts = [len(text).to_bytes(4, "big"), text]
    for blob in blobs:
        parts += [len(blob).to_bytes(8, "big"), blob]
    return b"".join(parts)


def npy_of(header: str, body: bytes) -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<U4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "__import__('os').system('true')",
    ],
)
def test_headers_that_lie_are_refused_before_anything_is_allocated(header):
    with pytest.raises(ExchangeError):
        codec.decode(message_of({"t": "array", "v": 0}, npy_of(header, b"\0" * 16)))


@pytest.mark.parametrize(
    "header",
    [
        {"t": "array", "v": 1},
        {"t": "array", "v": True},
        {"t": "array", "v": -1},
        {"t": "pickle", "v": "x"},
        {"t": "float", "v": "1e999"},
        {"t": "dict", "v": [["a"]]},
        {"t": "dict", "v": [[["a"], 1]]},
        {"t": 1, "v": 1},
        {"x": 1},
    ],
)
def test_malformed_messages_are_refused(header):
    with pytest.raises(ExchangeError):
        codec.decode(message_of(header, npy_of("{}", b"")))


@pytest.mark.parametrize("text", [b"NaN", b"{", b"\xff", b"1" * 5000])
def test_json_that_is_none_is_refused(text):
    with pytest.raises(ExchangeError):
        codec.decode(len(text).to_bytes(4, "big") + text)


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_are_refused(message):
    with contextlib.suppress(ExchangeError):
        codec.decode(message)


@given(values, st.data())
def test_cut_messages_are_refused(value, data):
    message = codec.encode([value, np.arange(3)])
    cut = data.draw(st.integers(0, len(message) - 1))
    with pytest.raises(ExchangeError):
        codec.decode(message[:cut])


def npy_of_zeros(size: int) -> bytes:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({size},)}}"
    return npy_of(header, b"\0" * size)


@pytest.mark.parametrize("order", [[0, 0], [1, 0], [0, 1, 1], [1], [2]])
def test_an_array_named_twice_or_out_of_order_is_refused(order):
    nodes = [{"t": "array", "v": number} for number in order]
    with pytest.raises(ExchangeError, match="once, in order"):
        codec.decode(message_of(nodes, npy_of_zeros(3), npy_of_zeros(3)))


def test_short_json_that_makes_large_objects_is_refused_unread(monkeypatch):
    monkeypatch.setattr(codec, "MAX_JSON_BYTES", 1000)
    with pytest.raises(ExchangeError, match="pass long lists as arrays"):
        codec.decode(message_of([[]] * 500))
    with pytest.raises(ExchangeError, match="pass long lists as arrays"):
        codec.encode([[]] * 500)


def test_the_number_of_arrays_is_limited_on_both_ends(monkeypatch):
    monkeypatch.setattr(codec, "MAX_ARRAYS", 3)
    assert len(codec.decode(codec.encode([np.zeros(1)] * 3))) == 3
    with pytest.raises(ExchangeError, match="3 arrays"):
        codec.encode([np.zeros(1)] * 4)
    with pytest.raises(ExchangeError, match="3 arrays"):
        codec.decode(message_of([], *[b""] * 4))


@pytest.mark.parametrize("text", [r'"\ud800"', r'{"t": "dict", "v": [["\udfff", 1]]}'])
def test_half_a_character_is_refused(text):
    message = len(text).to_bytes(4, "big") + text.encode()
    with pytest.raises(ExchangeError, match="half a character"):
        codec.decode(message)
    assert codec.decode(codec.encode("\U0001d400")) == "\U0001d400"


def test_many_short_values_are_refused_before_they_are_read():
    text = ("[" + ",".join(["[]"] * 150_000) + "]").encode()
    with pytest.raises(ExchangeError, match="values outside arrays"):
        codec.decode(len(text).to_bytes(4, "big") + text)
    with pytest.raises(ExchangeError, match="values outside arrays"):
        codec.encode([0] * 300_000)


def test_ranks_may_decode_at_the_same_time():
    message = codec.encode(np.arange(6.0).reshape(2, 3))
    errors: list[Exception] = []

    def decode_often(depth: int) -> None:  # the parser's fault shows between different depths
        if depth:
            decode_often(depth - 1)
            return
        for _ in range(300):
            try:
                codec.decode(message)
            except Exception as err:
                errors.append(err)

    def give_way(*_: object) -> None:
        """Spend time in the middle of a header, so that another thread goes on."""
        for _ in range(200):
            pass

    thresholds, interval_s = gc.get_threshold(), sys.getswitchinterval()
    gc.callbacks.append(give_way)
    gc.set_threshold(5)
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=decode_often, args=[depth]) for depth in (0, 3, 6, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.callbacks.remove(give_way)
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval_s)
    assert errors == []
