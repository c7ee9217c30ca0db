"""Channels that send fewer bytes: the largest numbers alone, or all in 8 bits, and what is lost.

A client's update becomes a message, the message becomes bytes, and the server works with what it
reads from these bytes: so what is counted is what was sent. With error feedback each client keeps
what it could not send and adds it to its next update (Seide and others, 2014). What a message holds
is decided in `labs.federated_learning.messages`; only updates are made smaller, not what the server
sends.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from labs.federated_learning import limits, messages
from labs.federated_learning.loop import Channel

Array = NDArray[Any]
WAYS = limits.CHOICES["compression"]
SHARE = 0.01  # of the numbers, that top-k sends
TopK = Callable[[Array, int], tuple[Array, Array]]
Quantize = Callable[[Array, Array], tuple[Array, Array]]


def top_k(update: Array, k: int) -> tuple[Array, Array]:
    """Return the indices, uint32 and ascending, and values of the k largest numbers by size.

    Parameters
    ----------
    update
        (size,), float32, finite.
    k
        How many, >= 0; of equals those of the lower index.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    numbers = _finite(update)
    order = torch.sort(numbers.abs(), descending=True, stable=True).indices
    indices = order[:k].sort().values
    return indices.numpy().astype(np.uint32), numbers[indices].numpy()


def quantize_int8(update: Array, uniform: Array) -> tuple[Array, Array]:
    """Return codes of 8 bits and their scale, (1,), rounded up or down by chance.

    Parameters
    ----------
    update
        (size,), float32, finite.
    uniform
        (size,), within [0, 1): what decides.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    numbers = _finite(update)
    scale = numbers.abs().amax() / messages.MOST_CODE if len(numbers) else torch.tensor(0.0)
    quotients = numbers / torch.where(scale > 0, scale, 1.0)
    codes = torch.floor(quotients + torch.from_numpy(np.asarray(uniform, np.float32)))
    limited = codes.clamp(-messages.MOST_CODE, messages.MOST_CODE).to(torch.int8)
    return limited.numpy(), scale.reshape(1).numpy()


def with_error_feedback(
    update: Array,
    memory: Array,
    *,
    compress: Callable[[Array], Any],
    decompress: Callable[[Any], Array],
) -> tuple[Any, Array]:
    """Return the message for an update and all that was not sent before, and what is left now.

    Parameters
    ----------
    update, memory
        (size,), float32: of this round, and left from those before.
    compress, decompress
        Array to message, and back; asked once each.
    """
    owed = torch.add(*(torch.from_numpy(np.asarray(each)) for each in (update, memory)))
    message = compress(owed.numpy())
    return message, owed.sub(torch.from_numpy(np.array(decompress(message)))).numpy()


def _finite(update: Array) -> Tensor:
    numbers = torch.from_numpy(np.ascontiguousarray(update, np.float32))
    if not torch.isfinite(numbers).all():
        raise ValueError("the update holds NaN or infinity; leave this client out of the round")
    return numbers


@dataclass(frozen=True)
class Functions:
    """What decides about a message; those of exercise 3.6 fit.

    Parameters
    ----------
    top_k
        Array and k to indices and values.
    quantize_int8
        Array and uniform numbers to codes and scale.
    with_error_feedback
        Update and memory to message and memory.
    """

    top_k: TopK = top_k
    quantize_int8: Quantize = quantize_int8
    with_error_feedback: Callable[..., tuple[Any, Array]] = with_error_feedback


class Squeezed(Channel):
    """A channel that sends updates in a smaller form and counts the bytes that it sent.

    Parameters
    ----------
    way
        One of `WAYS`.
    has_feedback
        Whether clients keep what they could not send.
    share
        Of the numbers, that top-k sends: above 0, up to 1; one at least is sent.
    seed
        Start of the random rounding; round and client are added to it.
    functions
        What makes the messages.

    Raises
    ------
    ValueError
        If the way is unknown or the share out of range.

    Examples
    --------
    >>> channel = Squeezed("topk", share=0.5)
    >>> seen, sent_bytes = channel.up(torch.tensor([3.0, -1.0, 0.5, 2.0]), client=0, round_=1)
    >>> seen.tolist(), sent_bytes
    ([3.0, 0.0, 0.0, 2.0], 36)
    """

    def __init__(
        self,
        way: str,
        *,
        has_feedback: bool = True,
        share: float = SHARE,
        seed: int = 0,
        functions: Functions | None = None,
    ) -> None:
        """Begin without any memory."""
        if way not in WAYS:
            raise ValueError(f"compression is {way!r}; give one of {', '.join(WAYS)}")
        if not 0 < share <= 1:
            raise ValueError(f"share is {share:g}; give a share above 0 and up to 1")
        self._way, self._has_feedback = way, has_feedback
        self._share, self._seed = share, seed
        self._functions = functions or Functions()
        self._memory: dict[int, Array] = {}

    def up(self, update: Tensor, *, client: int, round_: int) -> tuple[Tensor, int]:
        """Return the update as the server reads it, and the bytes of its message.

        Parameters
        ----------
        update
            (size,), float32, finite.
        client, round_
            Whose it is, and in which round: they choose memory and random numbers.

        Raises
        ------
        ValueError
            If the update holds a number that is not finite.
        """
        array = update.detach().numpy()
        rng = np.random.default_rng((self._seed, round_, client))
        if not self._has_feedback:
            message = self._compress(array, rng)
        else:
            message, self._memory[client] = self._functions.with_error_feedback(
                array,
                self._memory.get(client, np.zeros_like(array)),
                compress=lambda owed: self._compress(owed, rng),
                decompress=messages.restore,
            )
        data = messages.encode(message)
        received = messages.restore(messages.decode(data, size=len(array)))
        return torch.from_numpy(received), len(data)

    def left(self, client: int) -> Array | None:
        """Return what a client has not sent yet, (size,), or None before its first message."""
        return self._memory.get(client)

    def _compress(self, update: Array, rng: np.random.Generator) -> messages.Message:
        if self._way == "topk":
            k = max(1, round(self._share * len(update)))
            return messages.Sparse(len(update), *self._functions.top_k(update, k))
        if self._way == "int8":
            uniform = rng.random(len(update), np.float32)
            return messages.Codes(*self._functions.quantize_int8(update, uniform))
        return messages.Whole(np.ascontiguousarray(update, np.float32))
