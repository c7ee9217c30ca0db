"""Runs on this machine: as many at once as there are slots, each in processes of its own.

A thread looks after each run. Leaving ends every run in flight with all of its processes; if this
process is killed, those of its runs notice that their standard input has closed, and end too.
Nothing here decides what is run, or where its processes come from.
"""

import shutil
import tempfile
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from labs.engine.errors import RunError
from labs.engine.launch import (
    FULL_BELOW_BYTES,
    ORDINARY,
    Command,
    Host,
    Worker,
    start_process,
)
from labs.engine.processes import end_descendants
from labs.engine.runner import execute
from labs.engine.sweeps.executors import Ended, Job, Watch
from labs.engine.sweeps.folder import LOG, NOTEBOOK, RECORD

HEARS_EVERY_S = 1.0  # of Ctrl-C, at the latest


class LocalPool:
    """Carries out jobs on this machine: a `labs.engine.sweeps.executors.Executor`.

    Parameters
    ----------
    slots
        Runs at once, >= 1.
    host
        Where the processes of a job come from; ordinary ones without it. Threads and log are the
        job's, whatever it says.
    """

    def __init__(self, slots: int, *, host: Callable[[Job], Host] | None = None) -> None:
        self.slots = slots
        self._host = host
        self._running: Generator[Ended, None, None] | None = None

    def __enter__(self) -> Self:
        """Get ready."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what still runs, and record nothing of it."""
        if self._running is not None:
            self._running.close()

    def run(self, jobs: Iterable[Job], *, watch: Watch) -> Generator[Ended, None, None]:
        """Carry out jobs and yield each when it is over; see `Executor.run`.

        Parameters
        ----------
        jobs
            Are taken one by one, when there is a place, by the thread that asks for the next run.
        watch
            Hears of the runs in flight.

        Raises
        ------
        RunError
            If a run could not be carried out or recorded; the others in flight are ended.
        """
        self._running = self._run(jobs, watch)
        return self._running

    def _run(self, jobs: Iterable[Job], watch: Watch) -> Generator[Ended, None, None]:
        flights = _Flights(self._host, watch)
        waiting = iter(jobs)
        with ThreadPoolExecutor(self.slots) as threads:
            try:
                flying = {threads.submit(flights.carry, job) for job in islice(waiting, self.slots)}
                while flying:
                    # A signal that comes just before a wait without end would not be heard.
                    landed, flying = wait(flying, HEARS_EVERY_S, return_when=FIRST_COMPLETED)
                    over = [each.result() for each in landed]
                    # First the free places, then the news: whoever hears of it may take its time.
                    flying |= {
                        threads.submit(flights.carry, job) for job in islice(waiting, len(landed))
                    }
                    yield from over
            finally:  # in a thread, so that a second Ctrl-C does not stop it half-way
                ending = threading.Thread(target=flights.end)
                ending.start()
                ending.join()


class _Flights:
    """The runs in flight; all of them can be ended at any moment, once and for all."""

    def __init__(self, host: Callable[[Job], Host] | None, watch: Watch) -> None:
        self._host, self._watch = host, watch
        self._is_ended = threading.Event()
        self._workers: dict[str, Worker] = {}

    def carry(self, job: Job) -> Ended:
        """Carry out one job and return it when it is over."""
        self._watch(job.run_id, 0, 0)
        try:
            record = execute(
                job.plan,
                output=job.place / NOTEBOOK,
                timeout_s=job.timeout_s,
                progress=lambda cell, count: self._watch(job.run_id, cell, count),
                host=self._host_of(job),
            )
            if record["status"] == "failed":
                _check_space(job.place)
        except (OSError, RunError) as err:
            raise RunError(
                f"run {job.run_id}: {err}; what is over is kept, and the same command goes on"
            ) from err
        finally:
            self._workers.pop(job.run_id, None)
        return Ended(job.run_id, record)

    def end(self) -> None:
        """End the runs in flight, and those that are just about to start."""
        self._is_ended.set()
        for worker in tuple(self._workers.values()):
            _end(worker)

    def _host_of(self, job: Job) -> Host:
        host = self._host(job) if self._host else ORDINARY
        start = host.start or start_process

        def start_known(command: Command) -> Worker:
            worker = start(command)
            self._workers[job.run_id] = worker
            if self._is_ended.is_set():  # meanwhile, so that nobody else ends this one
                _end(worker)
            return worker

        return replace(
            host,
            start=start_known,
            threads=job.threads,
            log=job.place / LOG,
            is_stopped=self._is_ended.is_set,
        )


def _check_space(place: Path) -> None:
    """Refuse the record of a run that failed on a full disk: it says nothing of its setting."""
    for folder in (Path(tempfile.gettempdir()), place):
        if shutil.disk_usage(folder).free < FULL_BELOW_BYTES:
            (place / RECORD).unlink()
            raise RunError(f"no space left in {folder}; free some")


def _end(worker: Worker) -> None:
    """Kill a worker, if it still runs, and everything below it."""
    if worker.poll() is None:
        end_descendants(worker.pid, and_itself=True)
