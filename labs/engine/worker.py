"""The process in which papermill executes one notebook; `labs.engine.launch` starts it.

``python -m labs.engine.worker TASK.json`` reads what to do from a file that the launcher wrote,
tells its progress as one JSON object a line on stdout, and ends with one that says how it went::

    {"cell": 4, "of": 17}                          the fourth code cell starts, In [4] for a reader
    {"outcome": "ok", "cpu_s": 1.9}
    {"outcome": "failed", "cpu_s": 1.9, "cell": 4, "name": "ValueError", "message": "..."}

It checks no parameters and interprets no results. When the runner goes away, for whatever reason,
its standard input closes and it ends with its kernel.
"""

import asyncio
import json
import math
import os
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

from jupyter_core.utils import ensure_event_loop
from nbclient.exceptions import DeadKernelError
from papermill import engines, exceptions, execute_notebook

from course_utils.records import write_atomically
from labs.engine.processes import end_descendants

ENGINE_NAME = "lab"
SAVE_SHARE = 2000  # times as long as writing the notebook takes, it is not written again
FIRST_SAVE_S = 5  # from the start
STARTS = 3  # of a kernel, whose ports another process may have taken meanwhile
DIED_AT_START = "Kernel died before replying"  # what jupyter_client says then
START_TIMEOUT_S = 120  # for a kernel to answer: imports from a cold disk take a while


class ReportingEngine(engines.NBClientEngine):  # type: ignore[misc]  # papermill has no types
    """Papermill's own engine, which also says which cell it starts."""

    channel: IO[str] = sys.stdout

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
        """Execute the notebook, reporting each code cell before it starts."""
        # The kernel skips empty cells, so that the n-th of these is In [n] for a reader.
        code = [c for c in nb_man.nb.cells if c.cell_type == "code" and c.source.strip()]
        numbers = {id(cell): number for number, cell in enumerate(code, start=1)}
        start = nb_man.cell_start

        def report_and_start(cell: Any, cell_index: int) -> None:
            if id(cell) in numbers:
                say(cls.channel, cell=numbers[id(cell)], of=len(code))
            start(cell, cell_index)

        nb_man.cell_start = report_and_start
        saver = _Saver(nb_man)
        nb_man.save = saver.soon
        try:
            return super().execute_managed_notebook(nb_man, kernel_name, **options)
        except BaseException:  # the kernel has died, or was ended since its time was up
            saver.now()
            raise
        finally:  # what comes to its end, also to a cell's error, is written by papermill
            saver.stop()


class _Saver:
    """Writes the notebook so often that it takes a small part of the time.

    Papermill would write all of it twice a cell. What is left out is made up for as soon as it may
    be, also while a cell runs, so that a run whose worker is killed leaves what it had done not
    long before. When only its kernel is, all is saved. The form is plain JSON, without the lines
    that make a notebook readable: that is ten times as fast.
    """

    def __init__(self, nb_man: Any) -> None:
        self._nb_man = nb_man
        self._next_s = time.monotonic() + FIRST_SAVE_S
        self._waiting: asyncio.TimerHandle | None = None

    def soon(self, **_: Any) -> None:
        """Save now, or when the last time is long enough ago."""
        if self._waiting is None:
            wait_s = max(0.0, self._next_s - time.monotonic())
            if wait_s == 0.0:
                self.now()
            elif wait_s < math.inf:  # the loop that nbclient runs for every cell
                self._waiting = ensure_event_loop().call_later(wait_s, self.now)

    def stop(self) -> None:
        """Forget what was put off."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = None
        self._next_s = math.inf

    def now(self) -> None:
        """Save at once."""
        self._waiting = None
        start_s = time.monotonic()
        write_atomically(self._nb_man.output_path, json.dumps(self._nb_man.nb))
        end_s = time.monotonic()
        self._next_s = end_s + SAVE_SHARE * (end_s - start_s)


def say(channel: IO[str], **message: Any) -> None:
    """Send one message to the runner."""
    channel.write(json.dumps(message) + "\n")
    channel.flush()


def execute(task: dict[str, Any]) -> dict[str, Any]:
    """Execute the notebook of a task and return how it went."""
    engines.papermill_engines.register(ENGINE_NAME, ReportingEngine)
    for _ in range(STARTS - 1):
        try:
            return _execute(task)
        except RuntimeError as err:  # no cell has run
            if DIED_AT_START not in str(err):
                raise
    return _execute(task)


def _execute(task: dict[str, Any]) -> dict[str, Any]:
    try:
        execute_notebook(
            task["input"],
            task["output"],
            parameters=task["parameters"],
            engine_name=ENGINE_NAME,
            kernel_name=task["kernel_name"],
            language="python",
            progress_bar=False,
            start_timeout=START_TIMEOUT_S,
            cwd=task["folder"],
        )
    except exceptions.PapermillExecutionError as err:
        failure = {"name": err.ename, "message": err.evalue, "cell": err.exec_count}
        return {"outcome": "failed", **failure}
    except DeadKernelError as err:
        return {"outcome": "failed", "name": type(err).__name__, "message": str(err), "cell": None}
    return {"outcome": "ok"}


def main(task_path: str) -> int:
    """Carry out the task in a file."""
    threading.Thread(target=_end_with_the_runner, daemon=True).start()
    ReportingEngine.channel = channel = _private_stdout()
    ended = execute(json.loads(Path(task_path).read_text(encoding="utf-8")))
    times = os.times()
    say(channel, **ended, cpu_s=times.children_user + times.children_system)
    return 0


def _private_stdout() -> IO[str]:
    """Return stdout for us alone; what the kernel writes to its own goes to stderr."""
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return channel


def _end_with_the_runner() -> None:
    """Wait until the runner closes our standard input, then end every process below us."""
    while os.read(0, 1):  # sys.stdin would hold a lock that the interpreter needs to end
        pass
    end_descendants(os.getpid())
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
