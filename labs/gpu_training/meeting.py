"""Where ranks that are calls in this process meet to sum arrays, as an all-reduce does.

The k-th array of a rank meets the k-th of every other: what a rank sends is seen here, never
reported by it, and what could hang on a real machine becomes a sentence. Nothing is timed.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labs.engine.student import Callback, callback
from labs.engine.together import together

Array = NDArray[np.floating]


class Meeting:
    """An all-reduce between ranks, each of which runs in a thread of its own.

    Parameters
    ----------
    ranks
        How many meet.

    Examples
    --------
    >>> meeting = Meeting(1)
    >>> meeting.all_reduce(0)(np.array([1.0, 2.0]))
    array([1., 2.])
    >>> [message.nbytes for message in meeting.sent[0]]
    [16]
    """

    def __init__(self, ranks: int) -> None:
        self.sent: list[list[Array]] = [[] for _ in range(ranks)]
        self._has_ended = [False] * ranks
        self._changed = threading.Condition()

    def run(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Run one call a rank at the same time and return what they return."""
        return together([self._ending(rank, call) for rank, call in enumerate(calls)])

    def all_reduce(self, rank: int) -> Callback:
        """Return the function by which a rank sums an array over all ranks."""
        return callback(lambda array: self._sum(rank, self._start(rank, array)))

    def start(self, rank: int) -> Callback:
        """Return the function by which a rank begins an all-reduce; it returns a ticket."""
        return callback(lambda array: self._start(rank, array))

    def wait(self, rank: int) -> Callback:
        """Return the function that gives a rank the sum for a ticket, once every rank began."""
        return callback(lambda ticket: self._sum(rank, ticket))

    def _ending(self, rank: int, call: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> Any:
            try:
                return call()
            finally:
                with self._changed:
                    self._has_ended[rank] = True
                    self._changed.notify_all()

        return run

    def _start(self, rank: int, array: object) -> int:
        assert isinstance(array, np.ndarray), (
            f"an array is sent to the other ranks, not a {type(array).__name__}"
        )
        with self._changed:
            self.sent[rank].append(np.array(array))
            self._changed.notify_all()
            return len(self.sent[rank]) - 1

    def _sum(self, rank: int, ticket: object) -> Array:
        assert isinstance(ticket, int), f"wait takes a ticket that start returned, not {ticket!r}"
        assert 0 <= ticket < len(self.sent[rank]), f"wait({ticket}): start gave no such ticket"
        with self._changed:
            for other, sent in enumerate(self.sent):
                while len(sent) <= ticket and not self._has_ended[other]:
                    self._changed.wait()
                assert len(sent) > ticket, (
                    f"rank {rank} waits for ever: rank {other} ended after {len(sent)} messages, "
                    f"rank {rank} sent {len(self.sent[rank])}"
                )
            arrays = [sent[ticket] for sent in self.sent]
        own = arrays[rank]
        for other, array in enumerate(arrays):
            assert (array.shape, array.dtype) == (own.shape, own.dtype), (
                f"message {ticket} of rank {rank} has {own.size} elements, that of rank {other} "
                f"{array.size}: ranks that send buckets in different orders mix them up"
            )
        return np.asarray(sum(arrays[1:], start=arrays[0]))
