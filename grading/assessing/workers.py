"""Grading processes on this machine: started, watched, replaced.

Each worker is a fresh Python that loads the checks of a lab once and grades one submission after
another. One that dies, or hangs because of what a submission holds, is replaced and the submission
comes again, without the exercise at which that happened if it is bound to happen again. Student
code never runs in a worker, but in processes that end with it. A worker ends when the coordinator
does, however that ends.
"""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Protocol, Self

import psutil

from grading.assessing import work
from grading.assessing.work import Description, Job, Place, Result, Task
from grading.errors import WorkerError

START_LIMIT_S = 300.0  # loading the checks imports torch, on a cold disk and a busy machine
RECYCLE_AFTER = 200  # submissions
RECYCLE_GROWTH_BYTES = 50 * 1024**2
_SETTLED_AFTER = 5  # submissions until memory is compared: caches fill first
_STEP_CPU_S = 60.0  # what a check itself may take, beside the code that it calls
_STEP_WALLS = 10  # wall limit of one step, in wall limits of a message
_LOOK_EVERY_S = 1.0


class Executor(Protocol):
    """Something that grades submissions elsewhere: local processes, or a cluster."""

    def describe(self, place: Place) -> Description:
        """Return what it has of a lab."""

    def run(self, job: Job, tasks: Iterable[Task]) -> Iterator[Result]:
        """Grade the tasks, read only as fast as they are graded, in whatever order they finish.

        A submission at which the grader itself fails is tried again (`Task.after_failure`), so
        each task has one result, with an assessment.
        """

    def close(self) -> None:
        """End what was started."""


class LocalWorkers:
    """An `Executor` of processes on this machine, as a context manager.

    Parameters
    ----------
    jobs
        How many processes; >= 1.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process."""
        while self._workers:
            self._workers.pop().end()

    def describe(self, place: Place) -> Description:
        """Return what a process has of a lab."""
        worker = self._worker(0)
        worker.send(("describe", place))
        kind, value = worker.answer(START_LIMIT_S)
        if kind != "description":
            raise WorkerError(str(value))
        description: Description = value
        return description

    def run(self, job: Job, tasks: Iterable[Task]) -> Iterator[Result]:
        """Grade the tasks; see `Executor`."""
        pending, again = iter(tasks), list[Task]()
        while True:
            self._hand_out(job, pending, again)
            busy = {w.connection: w for w in self._workers if w.task is not None}
            if not busy:
                return
            ready = multiprocessing.connection.wait(list(busy), timeout=_LOOK_EVERY_S)
            for connection in ready:
                result = self._heard(busy[connection], again)  # type: ignore[index]  # a Connection
                if result is not None:
                    yield result
            for worker in busy.values():
                if worker.task is not None and (reason := worker.overdue()):
                    again.append(worker.task.after_failure(worker.step, reason, is_certain=True))
                    self._replace(worker)

    def _hand_out(self, job: Job, pending: Iterator[Task], again: list[Task]) -> None:
        """Give every idle worker a task, starting workers as long as there is work for them."""
        for place in range(self._jobs):
            if place < len(self._workers) and self._workers[place].task is not None:
                continue
            task = again.pop() if again else next(pending, None)
            if task is None:
                return
            self._worker(place).begin(job, task)

    def _worker(self, place: int) -> "_Worker":
        if place >= len(self._workers):
            self._workers.append(_Worker())
        elif self._workers[place].is_worn():
            self._replace(self._workers[place])
        return self._workers[place]

    def _replace(self, worker: "_Worker") -> None:
        worker.end()
        self._workers[self._workers.index(worker)] = _Worker()

    def _heard(self, worker: "_Worker", again: list[Task]) -> Result | None:
        """Take one message of a busy worker; return the result if it is one."""
        task = worker.task
        if task is None:
            return None
        try:
            kind, value = worker.connection.recv()
        except (EOFError, OSError):
            again.append(task.after_failure(worker.step, worker.ending()))
            self._replace(worker)
            return None
        if kind == "step":
            worker.note(value)
            return None
        if kind == "error":
            raise WorkerError(str(value))
        result: Result = value
        worker.finish()
        if result.assessment is None:
            again.append(task.after_failure(result.step, result.failure))
            return None
        return result


class _Worker:
    """One process and what it is at."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, sys.path), daemon=True)
        self._process.start()
        theirs.close()
        self._watched = psutil.Process(self._process.pid)
        self._finished = 0
        self._settled_bytes: int | None = None
        self._step_wall_s = 0.0
        self.task: Task | None = None
        self.step = work.READING
        self.note(work.READING)

    def send(self, message: tuple[Any, ...]) -> None:
        with contextlib.suppress(OSError):  # it has died: the next receive says so
            self.connection.send(message)

    def answer(self, limit_s: float) -> tuple[str, Any]:
        """Return the next message, or an error in its place."""
        try:
            if self.connection.poll(limit_s):
                kind, value = self.connection.recv()
                return kind, value
        except (EOFError, OSError):
            return "error", f"the grading process {self.ending()}"
        return "error", f"the checks did not load within {limit_s:g} s"

    def begin(self, job: Job, task: Task) -> None:
        self.task = task
        self._step_wall_s = _STEP_WALLS * job.settings.limits.wall_s
        self.note(work.READING, is_first=True)
        self.send(("grade", job, task))

    def finish(self) -> None:
        self.task = None
        self._finished += 1
        if self._finished == _SETTLED_AFTER:
            self._settled_bytes = self._memory_bytes()

    def note(self, step: str, *, is_first: bool = False) -> None:
        """Remember what begins, and when."""
        self.step = step
        self._since_s = time.perf_counter()
        self._since_cpu_s = self._cpu_s()
        self._allowed_s = START_LIMIT_S if is_first else 0.0

    def overdue(self) -> str:
        """Return why the step that it is at will never end, or nothing."""
        if self._cpu_s() - self._since_cpu_s > _STEP_CPU_S + self._allowed_s:
            return f"the grader itself took more than {_STEP_CPU_S:g} s of processor time here"
        if time.perf_counter() - self._since_s > self._step_wall_s + self._allowed_s:
            return f"the grader was stuck here for more than {self._step_wall_s:g} s"
        return ""

    def is_worn(self) -> bool:
        """Whether a fresh process should take its place: it has worked long, or holds too much."""
        if self._finished >= RECYCLE_AFTER or not self._process.is_alive():
            return True
        settled = self._settled_bytes
        return settled is not None and self._memory_bytes() - settled > RECYCLE_GROWTH_BYTES

    def ending(self) -> str:
        """Return how it ended, in words."""
        self._process.join(_LOOK_EVERY_S)
        code = self._process.exitcode
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return f"was ended by {signal.Signals(-code).name}"
        return f"ended with code {code}"

    def end(self) -> None:
        """End the process; what it had behind walls ends with it."""
        self.connection.close()
        self._process.kill()
        self._process.join()
        self._process.close()

    def _cpu_s(self) -> float:
        with contextlib.suppress(psutil.Error):
            times = self._watched.cpu_times()
            return float(times.user + times.system)
        return 0.0

    def _memory_bytes(self) -> int:
        with contextlib.suppress(psutil.Error):
            return int(self._watched.memory_info().rss)
        return 0


def _serve(connection: Connection, search_path: Sequence[str]) -> None:
    """Be a worker: answer until the coordinator closes the connection or ends."""
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is for the coordinator
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: one thread a worker
    os.environ.setdefault("MPLBACKEND", "Agg")
    sys.path[:] = search_path
    threading.Thread(target=_end_with_the_coordinator, daemon=True).start()
    from grading.assessing.kit import cap_memory  # noqa: PLC0415 - imports what the coordinator does without
    from labs.engine.errors import LabError  # noqa: PLC0415 - the same

    is_capped = False
    with contextlib.suppress(EOFError, OSError):
        while True:
            kind, *values = connection.recv()
            try:
                if kind == "describe":
                    connection.send(("description", work.describe(*values)))
                    continue
                result = work.grade(*values, progress=lambda step: connection.send(("step", step)))
                connection.send(("result", result))
            except LabError as err:
                connection.send(("error", str(err)))
            if not is_capped:  # once everything is loaded
                cap_memory()
                is_capped = True


def _end_with_the_coordinator() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
