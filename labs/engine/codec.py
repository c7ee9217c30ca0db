"""The one format in which data passes between a check and student code.

A message is JSON for the structure and one ``.npy`` blob an array, with a cap on its size and
depth. Decoding yields exact builtins and plain ndarrays and runs no code: there is no pickle, no
object array, no subclass. It does not know what the messages mean; `labs.engine.student` and
`labs.engine.endpoint` do, and put references, handles and callbacks in through ``special``.

Layout of a message: 4 bytes length of the JSON, the JSON, then 8 bytes length and bytes of each
blob, in the order in which the JSON names them; all lengths big-endian. A hostile message is at
most refused: it makes no more than a few times its own size of memory. JSON holds ``null``,
booleans, whole numbers, finite floats, texts and lists as they are; everything else is an object
``{"t": TAG, "v": ...}``.
"""

import io
import itertools
import json
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib import format as npy

from labs.engine.errors import ExchangeError

MAX_BYTES = 64 * 1024**2
MAX_JSON_BYTES = 4 * 1024**2  # short JSON makes large objects: `[[],[],...]` forty times its size
MAX_VALUES = 200_000  # outside arrays: each takes the other side microseconds, however short it is
MAX_ARRAYS = 10_000
MAX_DEPTH = 32
# NumPy parses the header as Python; before CPython 3.11.8 and 3.12.1 two threads that do so at once
# may get a SystemError (python/cpython issue 106905).
_PARSING = threading.Lock()
_ARRAY_KINDS = "biufc"  # booleans, integers, floats, complex numbers

Special = Callable[[Any], dict[str, Any] | None]
Unspecial = Callable[[str, Any], Any]
Blobs = Iterator[tuple[int, bytes]]  # the arrays of a message that are still to be named


def encode(value: Any, *, special: Special | None = None, max_bytes: int = MAX_BYTES) -> bytes:
    """Return a value as one message.

    Parameters
    ----------
    value
        None, booleans, numbers, texts, lists, tuples, dicts with text or whole-number keys,
        numpy arrays and scalars, torch tensors; nested at most `MAX_DEPTH` deep.
    special
        Turns a value that is no data into a tagged object, or returns None.
    max_bytes
        Largest message; more than `MAX_BYTES` only between processes of one user.

    Raises
    ------
    ExchangeError
        If the value is of another type, too deep, or exceeds `max_bytes`, `MAX_JSON_BYTES`,
        `MAX_VALUES` or `MAX_ARRAYS`.

    Examples
    --------
    >>> decode(encode({"scale": 0.5, "shape": (2, 3)}))
    {'scale': 0.5, 'shape': (2, 3)}
    """
    blobs: list[bytes] = []
    header = json.dumps(_to_node(value, blobs, special, MAX_DEPTH), allow_nan=False).encode()
    _cap(header, len(blobs))
    parts = [len(header).to_bytes(4, "big"), header]
    for blob in blobs:
        parts += [len(blob).to_bytes(8, "big"), blob]
    if (size := sum(map(len, parts))) > max_bytes:
        raise ExchangeError(f"the data take {size:,} bytes; at most {max_bytes:,} may be passed")
    return b"".join(parts)


def decode(
    message: bytes,
    *,
    special: Unspecial | None = None,
    tensors: bool = False,
    max_bytes: int = MAX_BYTES,
) -> Any:
    """Return the value in a message.

    Parameters
    ----------
    message
        What `encode` gave, or anything: malformed bytes are refused, never interpreted.
    special
        Turns a tag and its content into an object; without it such tags are refused.
    tensors
        True restores torch tensors (for student code); False gives ndarrays (for comparison).
    max_bytes
        As for `encode`.

    Raises
    ------
    ExchangeError
        If the message is not exactly of the documented form.
    """
    if len(message) > max_bytes:
        raise ExchangeError(f"a message of {len(message):,} bytes; at most {max_bytes:,}")
    header, *chunks = itertools.islice(_chunks(memoryview(message)), MAX_ARRAYS + 2)
    text = bytes(header[: MAX_JSON_BYTES + 1])
    _cap(text, len(chunks))
    try:
        node = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as err:
        raise ExchangeError(f"a message whose JSON cannot be read ({type(err).__name__})") from err
    blobs = ((number, bytes(chunk)) for number, chunk in enumerate(chunks))
    return _from_node(node, blobs, special, tensors, MAX_DEPTH)


def _cap(header: bytes, arrays: int) -> None:
    if len(header) > MAX_JSON_BYTES:
        raise ExchangeError(
            f"numbers and texts of more than {MAX_JSON_BYTES:,} bytes outside arrays; "
            "pass long lists as arrays"
        )
    # Those in texts count too: nobody's honest text has so many.
    if sum(map(header.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise ExchangeError(
            f"more than {MAX_VALUES:,} values outside arrays; pass long lists as arrays"
        )
    if arrays > MAX_ARRAYS:
        raise ExchangeError(f"more than {MAX_ARRAYS:,} arrays in one message")


def _chunks(view: memoryview) -> Iterator[memoryview]:
    width, offset = 4, 0
    while offset < len(view) or width == 4:
        size = int.from_bytes(view[offset : offset + width], "big")
        start, offset = offset + width, offset + width + size
        if offset > len(view) or start > len(view):
            raise ExchangeError("a message that is cut short")
        yield view[start:offset]
        width = 8


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _to_node(  # noqa: PLR0911 - one return a type reads best
    value: Any, blobs: list[bytes], special: Special | None, depth: int
) -> Any:
    if depth == 0:
        raise ExchangeError(f"data nested more than {MAX_DEPTH} deep")
    if special is not None and (tagged := special(value)) is not None:
        return tagged
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        return None
    for exact in (bool, int, str):  # a subclass becomes the plain type
        if isinstance(value, exact):
            return exact(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"t": "float", "v": repr(float(value))}
    if isinstance(value, list | tuple):
        items = [_to_node(item, blobs, special, depth - 1) for item in value]
        return items if isinstance(value, list) else {"t": "tuple", "v": items}
    if isinstance(value, dict):
        return {"t": "dict", "v": [_pair(k, v, blobs, special, depth) for k, v in value.items()]}
    return _array_node(value, blobs)


def _pair(key: Any, value: Any, blobs: list[bytes], special: Special | None, depth: int) -> Any:
    if not isinstance(key, str | int) or isinstance(key, bool):
        raise ExchangeError(f"a dict key of type {type(key).__name__}; use texts or whole numbers")
    key = str(key) if isinstance(key, str) else int(key)
    return [key, _to_node(value, blobs, special, depth - 1)]


def _array_node(value: Any, blobs: list[bytes]) -> dict[str, Any]:
    tag = "array"
    if type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "detach"):
        tag, tensor = "tensor", value.detach().cpu()
        value = (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
    if not isinstance(value, np.ndarray):
        raise ExchangeError(
            f"a value of type {type(value).__name__}; only numbers, texts, lists, tuples, dicts, "
            "arrays and tensors can be passed"
        )
    array = np.asarray(value)
    if array.dtype.kind not in _ARRAY_KINDS:
        raise ExchangeError(f"an array of dtype {array.dtype}; only numbers and booleans pass")
    buffer = io.BytesIO()
    npy.write_array(buffer, array, version=(1, 0), allow_pickle=False)
    blobs.append(buffer.getvalue())
    return {"t": tag, "v": len(blobs) - 1}


def _from_node(  # noqa: PLR0911 - one return a tag reads best
    node: Any, blobs: Blobs, special: Unspecial | None, tensors: bool, depth: int
) -> Any:
    if depth == 0:
        raise ExchangeError(f"data nested more than {MAX_DEPTH} deep")
    if node is None or isinstance(node, bool | int | float):
        return node
    if isinstance(node, str):
        return _text(node)

    def inner(child: Any) -> Any:
        return _from_node(child, blobs, special, tensors, depth - 1)

    if isinstance(node, list):
        return [inner(child) for child in node]
    if set(node) != {"t", "v"} or not isinstance(node["t"], str):
        raise ExchangeError("a message with an object that has no known tag")
    tag, content = node["t"], node["v"]
    if tag == "float" and content in ("nan", "inf", "-inf"):
        return float(content)
    if tag == "tuple" and isinstance(content, list):
        return tuple(inner(child) for child in content)
    if tag == "dict" and isinstance(content, list):
        return _dict(content, inner)
    if tag in ("array", "tensor"):
        return _restore(tag, _blob(content, blobs), tensors)
    if special is not None:
        return special(tag, content)
    raise ExchangeError(f"a message with the unknown tag {tag[:20]!r}")


def _dict(pairs: list[Any], inner: Callable[[Any], Any]) -> dict[Any, Any]:
    found = {}
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str | int)):
            raise ExchangeError("a message with a malformed dict")
        found[inner(pair[0])] = inner(pair[1])
    return found


def _text(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as err:
            raise ExchangeError("a text with half a character (a lone surrogate)") from err
    return text


def _blob(index: Any, blobs: Blobs) -> bytes:
    """Return the next array: each is named once and in order, so that none is copied many times."""
    number, blob = next(blobs, (None, b""))
    if not isinstance(index, int) or isinstance(index, bool) or index != number:
        raise ExchangeError("a message that does not name each array it holds once, in order")
    return blob


def _restore(tag: str, blob: bytes, tensors: bool) -> Any:
    array = read_array(blob)
    if tag == "tensor" and tensors:
        import torch  # noqa: PLC0415 - only messages with tensors pay for torch

        return torch.from_numpy(array)
    return array


def read_array(blob: bytes) -> np.ndarray[Any, np.dtype[Any]]:
    """Return the array of an ``.npy`` blob, refusing objects and headers that lie about the size.

    Raises
    ------
    ExchangeError
        If the bytes are not exactly one numeric array.
    """
    file = io.BytesIO(blob)
    try:
        version = npy.read_magic(file)
        with _PARSING:
            shape, fortran, dtype = npy.read_array_header_1_0(file)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as err:
        raise ExchangeError("an array whose header cannot be read") from err
    rest = len(blob) - file.tell()
    is_plain = dtype.kind in _ARRAY_KINDS and min(shape, default=0) >= 0
    if version != (1, 0) or not is_plain or len(shape) > MAX_DEPTH:
        raise ExchangeError(f"an array of dtype {dtype} and shape {shape}")
    # The header is checked before anything is allocated: a shape may claim more than there is.
    if math.prod(shape) * dtype.itemsize != rest:
        raise ExchangeError(f"an array that claims shape {shape} and holds {rest} bytes")
    flat = np.frombuffer(blob, dtype=dtype, offset=file.tell())
    return flat.reshape(shape, order="F" if fortran else "C").copy()
