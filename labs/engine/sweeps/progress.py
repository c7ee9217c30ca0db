"""How far a sweep is, and when it will be done.

On a terminal it is one line that is written over; elsewhere a line now and then. A run that failed
is told at once, in a line of its own that stays.
"""

import math
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Self, TextIO

from labs.engine.executed import Failure
from labs.engine.sweeps.executors import Ended
from labs.engine.sweeps.folder import LOG, SweepFolder

REDRAWN_EVERY_S = 0.2  # more often is only flicker
TOLD_EVERY_S = 30.0  # where there is no terminal


class Progress:
    """Hears of runs from any thread and shows how far a sweep is; a context manager.

    Parameters
    ----------
    stream
        Where it is shown.
    folder
        Of the sweep.
    total
        Runs to do.
    clock
        Gives seconds that only grow.
    """

    def __init__(
        self,
        stream: TextIO,
        folder: SweepFolder,
        *,
        total: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._folder, self._clock = stream, folder, clock
        self._is_terminal = stream.isatty()
        self._total, self._done, self._failed = total, 0, 0
        self._running: dict[str, tuple[int, int]] = {}
        self._start_s = self._shown_s = clock()
        self._is_drawn = False
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no half line on a terminal."""
        with self._lock:
            self._erase()

    def watch(self, run_id: str, *place: int) -> None:
        """Hear that a run begins, or begins a cell.

        Parameters
        ----------
        run_id
            Its name.
        place
            Number of the cell, and of all cells; 0 and 0 when the run begins.
        """
        with self._lock:
            cell, cells = place
            self._running[run_id] = cell, cells
            if self._is_terminal:
                self._show(every_s=REDRAWN_EVERY_S)

    def ended(self, ended: Ended) -> None:
        """Hear that a run is over."""
        with self._lock:
            self._running.pop(ended.run_id, None)
            self._done += 1
            if ended.record["status"] != "ok":
                self._failed += 1
                self._erase()
                self._stream.write(f"{failure_text(ended, self._folder)}\n")
                self._stream.flush()
            is_news = self._is_terminal or self._done == self._total
            self._show(every_s=0.0 if is_news else TOLD_EVERY_S)

    def expect(self, count: int) -> None:
        """Hear that there are more runs to do."""
        with self._lock:
            self._total += count

    def tell(self, line: str) -> None:
        """Write a line that stays."""
        with self._lock:
            self._erase()
            self._stream.write(f"{line}\n")
            self._stream.flush()

    def _show(self, *, every_s: float) -> None:
        """Show the line, unless it was shown a moment ago."""
        now_s = self._clock()
        if now_s - self._shown_s < every_s:
            return
        self._shown_s = now_s
        text = progress_text(
            self._done,
            self._total,
            failed=self._failed,
            running=list(self._running.values()),
            elapsed_s=now_s - self._start_s,
        )
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\x1b[K{text[:width]}")
            self._is_drawn = True
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def _erase(self) -> None:
        if self._is_drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._is_drawn = False


def progress_text(
    done: int, total: int, *, failed: int, running: list[tuple[int, int]], elapsed_s: float
) -> str:
    """Return how far a sweep is.

    Parameters
    ----------
    done, total
        Runs that are over, and all.
    failed
        How many of them failed.
    running
        Of each run in flight the number of its cell, and of all of its cells.
    elapsed_s
        Time since the first began [s].

    Examples
    --------
    >>> progress_text(10, 40, failed=1, running=[(3, 12), (0, 0)], elapsed_s=60)
    '10 of 40 runs, 1 failed, about 3 min left; in cell 3/12, starting'
    """
    parts = [f"{done} of {total} runs"]
    if failed:
        parts.append(f"{failed} failed")
    if 0 < done < total:
        parts.append(f"about {duration_text(elapsed_s / done * (total - done))} left")
    cells = [f"{cell}/{cells}" if cell else "starting" for cell, cells in running]
    place = f"; in cell {', '.join(cells)}" if any(c != "starting" for c in cells) else ""
    return ", ".join(parts) + place


def failure_text(ended: Ended, folder: SweepFolder) -> str:
    """Return in one line which run failed, in which cell, why, and where its log is.

    Parameters
    ----------
    ended
        The run.
    folder
        Of the sweep.
    """
    run = folder.asked[ended.run_id]
    error: Mapping[str, Any] = ended.record["provenance"].get("error", {})
    reason = Failure(**error).describe() if error else "for no reason that was recorded"
    text = f"{setting_text(run.parameters)}: failed {reason}; see {folder.place(run.id) / LOG}"
    return " ".join(text.split())


def setting_text(setting: Mapping[str, Any]) -> str:
    """Return a setting in words.

    Examples
    --------
    >>> setting_text({"width": 16, "seed": 1}), setting_text({})
    ('width=16, seed=1', 'the defaults')
    """
    return ", ".join(f"{name}={value}" for name, value in setting.items()) or "the defaults"


def duration_text(duration_s: float) -> str:
    """Return a duration in words, rounded up.

    Examples
    --------
    >>> duration_text(42.1), duration_text(200), duration_text(20_000)
    ('43 s', '4 min', '5.6 h')
    """
    if duration_s < 90:
        return f"{math.ceil(duration_s)} s"
    minutes = math.ceil(duration_s / 60)
    return f"{minutes} min" if minutes < 120 else f"{duration_s / 3600:.1f} h"
