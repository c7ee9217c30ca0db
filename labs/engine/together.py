"""Runs several calls to student code at the same time, as ranks that talk to each other need.

`labs.engine.student.ranks` makes the ranks; a check hands each its ``send`` and ``recv`` as
callbacks. This module knows nothing about messages.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

from labs.engine.student import StudentError


def together(calls: Sequence[Callable[[], Any]], *, timeout_s: float = 60.0) -> list[Any]:
    """Run calls at the same time, as ranks that talk to each other need, and return their results.

    Parameters
    ----------
    calls
        One function without arguments a rank.
    timeout_s
        After this long the ranks are taken to wait for each other for ever.

    Raises
    ------
    StudentError
        If the ranks did not finish in time.
    Exception
        What the first failing call raised.

    Examples
    --------
    >>> together([lambda: 1, lambda: 2])
    [1, 2]
    """
    tasks = [_Task(call).start() for call in calls]
    for task in tasks:
        task.join(timeout_s)
    for task in tasks:
        if task.error is not None:
            raise task.error
    if not all(task.is_done for task in tasks):
        raise StudentError("ranks", "TimeoutError", f"no end after {timeout_s:g} s: they wait")
    return [task.result for task in tasks]


class _Task:
    """One call in a thread of its own; a thread that never ends does not keep Python alive."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.result: Any = None
        self.error: Exception | None = None
        self.is_done = False

    def start(self) -> Self:
        self._thread.start()
        return self

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self.result = self._call()
            self.is_done = True
        except Exception as err:  # raised again by `together`
            self.error = err
