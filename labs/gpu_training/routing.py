"""Carries messages between ranks that are functions of one process, and writes down each of them.

A function that talks to other ranks takes ``send(to, array)``, which returns at once, and
``recv(sender)``, which waits. `Router` gives every rank its pair. Who sent what to whom, how many
bytes and in which order is observed here, whatever the function itself says. Ranks that all wait
for each other are found at once, without a time limit. No bytes leave this process: for real
ones see `labs.gpu_training.collectives`.
"""

import functools
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labs.engine.errors import ExchangeError
from labs.engine.together import together

Array = NDArray[Any]
Send = Callable[[int, Array], None]
Receive = Callable[[int], Array]
Alter = Callable[["Message"], Array]
TIME_LIMIT_S = 30.0  # for ranks that neither send nor wait


class RoutingError(ExchangeError):
    """A message that goes nowhere or holds no numbers, or one that can never come."""


@dataclass(frozen=True)
class Message:
    """One array on its way.

    Parameters
    ----------
    sender, receiver
        Ranks.
    number
        How many messages the sender had sent before.
    array
        A copy of what was sent.
    """

    sender: int
    receiver: int
    number: int
    array: Array

    @property
    def payload_bytes(self) -> int:
        """Bytes of the array's elements."""
        return int(self.array.nbytes)


class Router:
    """The boxes between ranks.

    Parameters
    ----------
    ranks
        Number of ranks, >= 1.
    alter
        What arrives in place of a message; without it, what was sent.

    Examples
    --------
    >>> router = Router(2)
    >>> router.send(0, 1, array=np.array([1, 2], np.float32))
    >>> router.receive(1, 0).tolist(), router.messages[0].payload_bytes
    ([1.0, 2.0], 8)
    """

    def __init__(self, ranks: int, *, alter: Alter | None = None) -> None:
        self._ranks = ranks
        self._alter = alter
        self._boxes: dict[tuple[int, int], deque[Array]] = {}
        self._waiting: dict[int, int] = {}  # rank -> the rank that it waits for
        self._ended: set[int] = set()
        self._changed = threading.Condition()
        self.messages: list[Message] = []

    def send(self, sender: int, to: Any, *, array: Any) -> None:
        """Put a copy of an array into the box from one rank to another.

        Raises
        ------
        RoutingError
            If the receiver is no other rank, or what is sent is no array of numbers.
        """
        if not self._is_other(to, sender):
            raise RoutingError(
                f"rank {sender} sends to {to!r}; the other ranks are within 0 to {self._ranks - 1}"
            )
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
            raise RoutingError(
                f"rank {sender} sends a {type(array).__name__}; send an array of numbers"
            )
        with self._changed:
            number = sum(message.sender == sender for message in self.messages)
            message = Message(sender, to, number, array.copy())
            self.messages.append(message)
            arrives = message.array if self._alter is None else self._alter(message)
            self._boxes.setdefault((sender, to), deque()).append(arrives.copy())
            self._changed.notify_all()

    def receive(self, receiver: int, sender: Any) -> Array:
        """Wait for the next array from a rank and return it.

        Raises
        ------
        RoutingError
            If the sender is no other rank, or nothing can ever come.
        """
        if not self._is_other(sender, receiver):
            raise RoutingError(
                f"rank {receiver} waits for {sender!r}; the other ranks are within 0 to "
                f"{self._ranks - 1}"
            )
        with self._changed:
            self._waiting[receiver] = sender
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._has(receiver, sender) or self._is_stuck())
            if not self._has(receiver, sender):
                raise RoutingError(self._stuck_sentence(receiver))
            del self._waiting[receiver]
            return self._boxes[sender, receiver].popleft()

    def end(self, rank: int) -> None:
        """Note that a rank's function has come to its end: it will send nothing more."""
        with self._changed:
            self._ended.add(rank)
            self._changed.notify_all()

    def left_over(self) -> int:
        """Return how many messages nobody has taken."""
        return sum(map(len, self._boxes.values()))

    def _is_other(self, rank: Any, own: int) -> bool:
        return isinstance(rank, int) and 0 <= rank < self._ranks and rank != own

    def _has(self, receiver: int, sender: int) -> bool:
        return bool(self._boxes.get((sender, receiver)))

    def _is_stuck(self) -> bool:
        """Return whether every rank has ended or waits for a message that is not there."""
        waits = {rank for rank, sender in self._waiting.items() if not self._has(rank, sender)}
        return len(waits | self._ended) == self._ranks

    def _stuck_sentence(self, rank: int) -> str:
        others = [f"rank {r} for rank {s}" for r, s in sorted(self._waiting.items()) if r != rank]
        sentence = f"rank {rank} waits for rank {self._waiting[rank]}, which sends nothing more"
        return sentence + (f"; so do {', '.join(others)}" if others else "")


def run(
    calls: Sequence[Callable[[Send, Receive], Any]], *, alter: Alter | None = None
) -> tuple[list[Any], Router]:
    """Run one call a rank at the same time and return their results and the router.

    Parameters
    ----------
    calls
        One a rank; each takes its ``send`` and its ``recv``.
    alter
        As for `Router`.

    Raises
    ------
    Exception
        What the first rank to fail raised.

    Examples
    --------
    >>> def swap(rank):
    ...     def call(send, recv):
    ...         send(1 - rank, np.array([rank]))
    ...         return recv(1 - rank).tolist()
    ...
    ...     return call
    >>> run([swap(0), swap(1)])[0]
    [[1], [0]]
    """
    router = Router(len(calls), alter=alter)
    failures: list[Exception] = []

    def one(rank: int) -> Any:
        def send(to: int, array: Array) -> None:
            router.send(rank, to, array=array)

        def recv(sender: int) -> Array:
            return router.receive(rank, sender)

        try:
            return calls[rank](send, recv)
        except Exception as err:  # raised again below: the first in time tells most
            failures.append(err)
        finally:
            router.end(rank)

    tasks = [functools.partial(one, rank) for rank in range(len(calls))]
    results = together(tasks, timeout_s=TIME_LIMIT_S)
    if failures:
        raise failures[0]
    return results, router
