"""How far a long command is, and when it will be done: one line that is written over.

It is for a terminal. Where standard error is none, nothing is written at all.
"""

import math
import time
from collections.abc import Callable
from typing import TextIO


class ProgressLine:
    """A line such as ``12 of 40 graded, about 3 min left``.

    Parameters
    ----------
    stream
        Where it goes, if that is a terminal.
    clock
        Gives seconds that only grow.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.perf_counter) -> None:
        self._stream, self._clock = stream, clock
        self._is_shown = stream.isatty()
        self._start_s = clock()
        self._width = 0

    def __call__(self, done: int, of: int) -> None:
        """Show how much is done."""
        if not self._is_shown or not of:
            return
        text = progress_text(done, of, elapsed_s=self._clock() - self._start_s)
        self._stream.write(f"\r{text:<{self._width}}")
        self._stream.flush()
        self._width = len(text)

    def close(self) -> None:
        """Leave the line."""
        if self._width:
            self._stream.write("\n")
            self._stream.flush()
            self._width = 0


def progress_text(done: int, of: int, *, elapsed_s: float) -> str:
    """Return how far something is.

    Examples
    --------
    >>> progress_text(0, 40, elapsed_s=2), progress_text(10, 40, elapsed_s=60)
    ('0 of 40 graded', '10 of 40 graded, about 3 min left')
    """
    text = f"{done} of {of} graded"
    if not 0 < done < of:
        return text
    left_s = elapsed_s / done * (of - done)
    shown = f"{math.ceil(left_s)} s" if left_s < 90 else f"{math.ceil(left_s / 60)} min"
    return f"{text}, about {shown} left"
