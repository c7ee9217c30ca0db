"""Stand-ins for the functions of exercise 3.6: those of the course's own channel, in torch."""

from collections.abc import Callable
from typing import Any

from labs.federated_learning import compression
from labs.federated_learning.compression import Array

__all__ = ["quantize_int8", "top_k", "with_error_feedback"]


def top_k(update: Array, k: int) -> tuple[Array, Array]:
    """Return indices and values of the k largest numbers by size.

    Parameters
    ----------
    update
        (size,), float32.
    k
        How many, >= 0.
    """
    return compression.top_k(update, k)


def quantize_int8(update: Array, uniform: Array) -> tuple[Array, Array]:
    """Return codes of 8 bits and their scale, (1,).

    Parameters
    ----------
    update
        (size,), float32.
    uniform
        (size,), within [0, 1): decides what is rounded up.
    """
    return compression.quantize_int8(update, uniform)


def with_error_feedback(
    update: Array,
    memory: Array,
    *,
    compress: Callable[[Array], Any],
    decompress: Callable[[Any], Array],
) -> tuple[Any, Array]:
    """Return the message and the new memory.

    Parameters
    ----------
    update, memory
        (size,), float32.
    compress, decompress
        Array to message, and back.
    """
    return compression.with_error_feedback(update, memory, compress=compress, decompress=decompress)
