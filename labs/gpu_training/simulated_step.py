"""One backward pass and a network on a simulated clock, for one rank: who waits for what, and when.

Gradients take the time they are given, a message its latency and its bytes, and the network
carries one message at a time. Nothing is measured; times are numbers that add up exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Message:
    """What was sent when.

    Parameters
    ----------
    size_bytes
        Of the array.
    gradients
        How many were there when it started.
    begin_ms, end_ms
        On the network.
    """

    size_bytes: int
    gradients: int
    begin_ms: float
    end_ms: float


class SimulatedStep:
    """The functions that an overlapped step calls, on a clock of their own.

    Parameters
    ----------
    gradients
        In the order of the parameters.
    order
        Indices, as they become ready.
    gradient_ms
        Time that each takes, in that order.
    latency_ms, bytes_per_ms
        Of the network.
    ranks
        All others have the same gradients.

    Examples
    --------
    >>> step = SimulatedStep([np.ones(4)], order=[0], gradient_ms=[3.0], bytes_per_ms=16)
    >>> step.next_gradient(), step.next_gradient()
    ((0, array([1., 1., 1., 1.])), None)
    >>> step.wait(step.start(np.ones(4))), step.now_ms
    (array([2., 2., 2., 2.]), 6.0)
    """

    def __init__(
        self,
        gradients: Sequence[Array],
        *,
        order: Sequence[int],
        gradient_ms: Sequence[float],
        latency_ms: float = 1.0,
        bytes_per_ms: float = 16.0,
        ranks: int = 2,
    ) -> None:
        self.computing: list[Interval] = []
        self.messages: list[Message] = []
        self.sent: list[Array] = []
        self.early_waits = 0
        self.now_ms = 0.0
        self._gradients, self._ranks = gradients, ranks
        self._left = list(zip(order, gradient_ms, strict=True))
        self._latency_ms, self._bytes_per_ms = latency_ms, bytes_per_ms

    def next_gradient(self) -> tuple[int, Array] | None:
        """Let backward work on; return the next index and gradient, or None once all are there."""
        if not self._left:
            return None
        index, takes_ms = self._left.pop(0)
        self.computing.append((self.now_ms, self.now_ms + takes_ms))
        self.now_ms += takes_ms
        return index, self._gradients[index]

    def start(self, array: Any) -> int:
        """Begin to sum an array over the ranks; return a ticket."""
        assert isinstance(array, np.ndarray), f"start takes an array, not a {type(array).__name__}"
        free_ms = self.messages[-1].end_ms if self.messages else 0.0
        begin_ms = max(self.now_ms, free_ms)
        end_ms = begin_ms + self._latency_ms + array.nbytes / self._bytes_per_ms
        self.messages.append(Message(array.nbytes, len(self.computing), begin_ms, end_ms))
        self.sent.append(array)
        return len(self.sent) - 1

    def wait(self, ticket: Any) -> Array:
        """Return the sum for a ticket, once it has arrived."""
        assert isinstance(ticket, int), f"wait takes a ticket that start returned, not {ticket!r}"
        assert 0 <= ticket < len(self.sent), f"wait({ticket}): start gave no such ticket"
        self.early_waits += bool(self._left)
        self.now_ms = max(self.now_ms, self.messages[ticket].end_ms)
        return np.asarray(self.sent[ticket] * self._ranks)


def ready_after(buckets: Sequence[Sequence[int]], order: Sequence[int]) -> list[int]:
    """Return after how many gradients each bucket can start, none before the one in front of it.

    Examples
    --------
    >>> ready_after([[3, 2], [1], [0]], order=[3, 1, 2, 0])
    [3, 3, 4]
    """
    last = [max(order.index(index) for index in group) + 1 for group in buckets]
    return [max(last[: number + 1]) for number in range(len(last))]
