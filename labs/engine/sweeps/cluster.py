"""Runs on a Dask cluster that somebody else has started, on machines that have this project.

Runs are handed to the workers one by one, to each as many at once as it has threads. What a worker
does is `labs.engine.sweeps.remote`; results come back as data and are written here. A worker that
refuses a run, as its code or versions differ, gets no other; what a lost worker had is handed to
another.
"""

import logging
import os
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from labs.engine.dask_client import check_address, connect
from labs.engine.errors import RunError
from labs.engine.executed import Failure
from labs.engine.output import write_output
from labs.engine.parameters import read_notebook
from labs.engine.runner import Plan
from labs.engine.sweeps import remote
from labs.engine.sweeps.executors import Ended, Job, Watch
from labs.engine.sweeps.folder import LOG, NOTEBOOK
from labs.engine.sweeps.identity import Origin, origin_of

WORKER_LIMIT_S = 60.0  # without any worker
LOSSES = 3  # workers that may get lost over one run
_LOOK_EVERY_S = 1.0
_FETCH_LIMIT_S = 60.0  # for a result; its worker may be lost meanwhile
_log = logging.getLogger("labs")


@dataclass
class _Worker:
    """One worker of the cluster, how many runs it takes at once, and what it is at."""

    address: str
    threads: int
    is_refused: bool = False
    futures: dict[Any, "_Sent"] = field(default_factory=dict)


@dataclass(frozen=True)
class _Sent:
    """A job on its way, and how often a worker was lost over it."""

    job: Job
    losses: int = 0


class DaskCluster:
    """Carries out jobs on a Dask cluster: a `labs.engine.sweeps.executors.Executor`.

    `slots` is the number of threads of the workers that are there and not refused.

    Parameters
    ----------
    address
        Of the scheduler; see `labs.engine.dask_client.check_address`.
    trust_network
        Whether an address without encryption is accepted.

    Raises
    ------
    UsageError
        If the address must not be used; on entry, if the extra ``cluster`` is not installed or no
        certificates are named.
    RunError
        On entry, if the scheduler does not answer or has no worker.
    """

    def __init__(self, address: str, *, trust_network: bool = False) -> None:
        check_address(address, trust_network=trust_network)
        self.slots = 1
        self._address = address
        self._client: Any = None
        self._workers: dict[str, _Worker] = {}
        self._again: list[_Sent] = []
        self._flying: set[str] = set()
        self._is_news = threading.Event()
        self._seen_s = time.monotonic()  # when a worker was there
        self._reason = ""  # why a worker was refused, the last
        self._sources: dict[tuple[Path, str, int], tuple[bytes, Origin]] = {}

    def __enter__(self) -> Self:
        """Connect, and wait for a worker."""
        self._client = connect(self._address)
        try:
            self._client.wait_for_workers(1, timeout=WORKER_LIMIT_S)
            self._look()
        except TimeoutError as err:
            self._client.close()
            raise self._without_worker() from err
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what still runs, and record nothing of it."""
        self._stop()
        self._client.close()

    def run(self, jobs: Iterable[Job], *, watch: Watch) -> Generator[Ended, None, None]:
        """Carry out jobs and yield each when it is over; see `Executor.run`.

        Parameters
        ----------
        jobs
            Are taken one by one, when there is a place.
        watch
            Hears of the runs in flight.

        Raises
        ------
        RunError
            If no worker can be used, the scheduler is gone, or a result cannot be written; the runs
            in flight are ended.
        """
        waiting = iter(jobs)
        topic = f"lab-sweep-{os.urandom(8).hex()}"
        self._client.subscribe_topic(topic, lambda event: self._tell(watch, *event[1]))
        try:
            while True:
                self._is_news.clear()
                yield from self._finished()
                self._look()
                yield from self._given_up()
                for job in self._hand_out(waiting, topic):
                    watch(job.run_id, 0, 0)
                if not self._flying and not self._is_work_left(waiting):
                    return
                self._is_news.wait(_LOOK_EVERY_S)
        finally:
            self._stop()

    def _look(self) -> None:
        """Note which workers are there; what those had that are gone is to be done again."""
        there = self._client.scheduler_info(n_workers=-1)["workers"]
        if self._client.status != "running":
            raise RunError(
                f"the scheduler at {self._address} is gone; what is over is kept, and the same "
                "command goes on when a scheduler is there"
            )
        for address, facts in there.items():
            self._workers.setdefault(address, _Worker(address, facts["nthreads"]))
        for worker in [each for each in self._workers.values() if each.address not in there]:
            self._client.cancel(list(worker.futures), force=True)
            for future in list(worker.futures):
                self._after_loss(self._take(worker, future))
            del self._workers[worker.address]
        if self._workers:
            self._seen_s = time.monotonic()
        self.slots = max(1, sum(worker.threads for worker in self._usable()))

    def _usable(self) -> list[_Worker]:
        return [worker for worker in self._workers.values() if not worker.is_refused]

    def _hand_out(self, waiting: Iterator[Job], topic: str) -> Iterator[Job]:
        """Give workers as much as they take, the least busy first; yield what was given."""
        workers = self._usable()
        for busy in range(max((worker.threads for worker in workers), default=0)):
            for worker in workers:
                if len(worker.futures) > busy or worker.threads <= busy:
                    continue
                sent = self._again.pop(0) if self._again else _next(waiting)
                if sent is None:
                    return
                self._send(worker, sent, topic=topic)
                yield sent.job

    def _send(self, worker: _Worker, sent: _Sent, *, topic: str) -> None:
        notebook, origin = self._source(sent.job)
        task = remote.pack(sent.job, notebook=notebook, origin=origin, topic=topic)
        future = self._client.submit(
            remote.carry_out,
            task,
            key=f"lab-run-{os.urandom(8).hex()}",
            workers=[worker.address],
            allow_other_workers=False,
            pure=False,
        )
        worker.futures[future] = sent
        self._flying.add(sent.job.run_id)
        future.add_done_callback(lambda _: self._is_news.set())

    def _source(self, job: Job) -> tuple[bytes, Origin]:
        """Return notebook and origin of a job; read once, as its siblings have the same."""
        plan = job.plan
        key = (plan.notebook, plan.lab.name if plan.lab else "", job.threads)
        if key not in self._sources:
            origin = origin_of(plan, threads=job.threads)
            self._sources[key] = (plan.notebook.read_bytes(), origin)
        return self._sources[key]

    def _finished(self) -> Iterator[Ended]:
        from distributed import KilledWorker  # noqa: PLC0415 - an extra

        for worker in self._workers.values():
            for future in [each for each in worker.futures if each.done()]:
                sent = self._take(worker, future)
                try:
                    done = future.result(timeout=_FETCH_LIMIT_S)
                except (CancelledError, KilledWorker, TimeoutError):
                    self._after_loss(sent)
                except Exception as err:  # whatever it lacks: packages, our project, disk
                    self._refuse(worker, err)
                    self._again.append(sent)
                else:
                    yield _keep(sent.job, done)

    def _take(self, worker: _Worker, future: Any) -> _Sent:
        sent = worker.futures.pop(future)
        self._flying.discard(sent.job.run_id)
        return sent

    def _after_loss(self, sent: _Sent) -> None:
        self._again.append(_Sent(sent.job, sent.losses + 1))

    def _given_up(self) -> Iterator[Ended]:
        """Record as failed what too many workers were lost over."""
        lost = [sent for sent in self._again if sent.losses >= LOSSES]
        self._again = [sent for sent in self._again if sent.losses < LOSSES]
        for sent in lost:
            content = read_notebook(sent.job.plan.notebook)
            yield _keep(sent.job, remote.Done(_lost_record(sent.job.plan), content, b""))

    def _refuse(self, worker: _Worker, reason: Exception) -> None:
        if not worker.is_refused:
            self._reason = f"the worker at {worker.address} is not used: {reason}"
            _log.warning("%s", self._reason)
        worker.is_refused = True

    def _is_work_left(self, waiting: Iterator[Job]) -> bool:
        """Whether a run is left though nothing was handed out, as there is no worker now.

        Raises
        ------
        RunError
            If there will be none.
        """
        if self._usable() and not self._again:
            return False
        if not self._again:
            sent = _next(waiting)
            if sent is None:
                return False
            self._again.append(sent)
        is_late = time.monotonic() - self._seen_s > WORKER_LIMIT_S
        if not self._usable() and (self._workers or is_late):
            raise self._without_worker()
        return True

    def _without_worker(self) -> RunError:
        reason = self._reason or "start some"
        return RunError(f"the scheduler at {self._address} has no worker for this: {reason}")

    def _tell(self, watch: Watch, run_id: str, cell: int, count: int) -> None:
        if run_id in self._flying:  # what is told may come late
            watch(run_id, cell, count)

    def _stop(self) -> None:
        """Let the workers end what they are at."""
        futures = [future for worker in self._workers.values() for future in worker.futures]
        if futures and self._client.status == "running":
            self._client.cancel(futures, force=True)
        for worker in self._workers.values():
            worker.futures.clear()
        self._flying.clear()
        self._again.clear()


def _next(waiting: Iterator[Job]) -> _Sent | None:
    job = next(waiting, None)
    return None if job is None else _Sent(job)


def _keep(job: Job, done: remote.Done) -> Ended:
    """Write what came of a run into its place, the record last."""
    try:
        (job.place / LOG).write_bytes(done.log)
    except OSError as err:
        raise RunError(f"cannot write into {job.place}: {err.strerror or err}; free some") from err
    name = job.plan.notebook.name
    write_output(job.place / NOTEBOOK, done.content, record=done.record, source_name=name)
    return Ended(job.run_id, done.record)


def _lost_record(plan: Plan) -> dict[str, Any]:
    """Return the record of a run that never came back."""
    message = f"{LOSSES} workers of the cluster were lost over it: out of memory, or ended"
    return {
        "lab": plan.name,
        "parameters": dict(plan.parameters),
        "status": "failed",
        "results": {},
        "provenance": {
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "notebook": plan.notebook.name,
            "preset": plan.preset,
            "duration_s": 0.0,
            "cpu_s": 0.0,
            "data": [],
            "machine": {"unknown": message},
            "error": vars(Failure(None, "", "WorkerLost", message)),
        },
    }
