"""Grading on a Dask cluster: the same work as `grading.assessing.workers`, on other machines.

The cluster is somebody else's: a scheduler and workers that Dask's own commands or deployers have
started, on machines that have this project. Here submissions are handed to them one by one, each to
a worker that has said before that it has walls and the same version of the lab; what a lost worker
had is handed to another. Submissions travel under a number, not under their id. Within a worker a
process of `grading.assessing.workers` does the work, so that what hangs or dies there is dealt with
there.
"""

import atexit
import contextlib
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

from grading.assessing.work import READING, Description, Job, Place, Result, Task
from grading.assessing.workers import LocalWorkers
from grading.errors import WorkerError
from labs.engine.dask_client import CONNECT_LIMIT_S, check_address, connect
from labs.engine.errors import LabError, RunError

_LOOK_EVERY_S = 1.0
_AT_ONCE = 2  # tasks of a worker: one in work, one ready
_LOSSES = 3  # workers that may get lost over one submission
_log = logging.getLogger("grading")


@dataclass
class _Worker:
    """One worker of the cluster, and what it is at."""

    address: str
    has: Description | None = None  # None until it has said what it has
    futures: dict[Any, "_Sent"] = field(default_factory=dict)


@dataclass(frozen=True)
class _Sent:
    """A task on its way: as it is here, and how often a worker was lost over it."""

    task: Task
    losses: int = 0


class Cluster:
    """An `grading.assessing.workers.Executor` on a Dask cluster, as a context manager.

    Parameters
    ----------
    address
        Of the scheduler; see `labs.engine.dask_client.check_address`.
    trust_network, trust_submissions
        Whether an address without encryption, and workers without walls, are accepted.

    Raises
    ------
    UsageError
        If the address must not be used, or the extra ``cluster`` is not installed.
    WorkerError
        On entry, if the scheduler does not answer.
    """

    def __init__(
        self, address: str, *, trust_network: bool = False, trust_submissions: bool = False
    ) -> None:
        check_address(address, trust_network=trust_network)
        self._address = address
        self._trust_submissions = trust_submissions
        self._client: Any = None
        self._workers: dict[str, _Worker] = {}
        self._numbers = 0

    def __enter__(self) -> Self:
        try:
            self._client = connect(self._address)
        except RunError as err:
            raise WorkerError(str(err)) from err
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take back what is still to be done, and leave the cluster as it was."""
        if self._client is not None:
            self._client.cancel([f for w in self._workers.values() for f in w.futures], force=True)
            self._client.close()
            self._client = None

    def describe(self, place: Place) -> Description:
        """Return what the workers have of a lab; those with another version are left out."""
        end_s = time.monotonic() + CONNECT_LIMIT_S
        while not self._look(place) and time.monotonic() < end_s:
            time.sleep(_LOOK_EVERY_S)
        described = [w.has for w in self._workers.values() if w.has is not None]
        if not described:
            raise WorkerError(f"the scheduler at {self._address} has no worker; start some")
        with_walls = [has for has in described if not has.walls_missing]
        return (with_walls or described)[0]

    def run(self, job: Job, tasks: Iterable[Task]) -> Iterator[Result]:
        """Grade the tasks; see `grading.assessing.workers.Executor`."""
        import distributed  # noqa: PLC0415 - an extra

        wait: Any = distributed.wait  # without types
        pending, again = iter(tasks), list[_Sent]()
        looked_s = 0.0
        while True:
            if time.monotonic() - looked_s > _LOOK_EVERY_S:
                self._look(job.place)
                again += self._lost()
                looked_s = time.monotonic()
            self._hand_out(job, pending, again)
            futures = [future for worker in self._workers.values() for future in worker.futures]
            if not futures and not again:
                return
            if not futures:  # every worker is gone; a new one may come
                time.sleep(_LOOK_EVERY_S)
                continue
            # Nothing may be finished in time, which is no error.
            with contextlib.suppress(TimeoutError), self._client.as_current():
                wait(futures, timeout=_LOOK_EVERY_S, return_when="FIRST_COMPLETED")
            yield from self._finished(again)

    def _look(self, place: Place) -> bool:
        """Ask workers that are new what they have, forget those that are gone; say if any is."""
        there = self._client.scheduler_info(n_workers=-1)["workers"]
        for address in there:
            worker = self._workers.setdefault(address, _Worker(address))
            if worker.has is None:
                worker.has = self._described(worker, place)
        return bool(there)

    def _described(self, worker: _Worker, place: Place) -> Description | None:
        try:
            answers = self._client.run(describe_there, place, workers=[worker.address])
        except Exception as err:  # whatever the worker lacks: its packages, our project, the lab
            _log.warning("course: the worker at %s is not used: %s", worker.address, err)
            return Description({}, "", walls_missing=str(err))
        has: Description = answers[worker.address]
        if has.walls_missing and not self._trust_submissions:
            _log.warning(
                "course: the worker at %s gets no submission: %s", worker.address, has.walls_missing
            )
        return has

    def _lost(self) -> list[_Sent]:
        """Forget the workers that are gone and return what they were at."""
        there = self._client.scheduler_info(n_workers=-1)["workers"]
        sent: list[_Sent] = []
        for address in [a for a in self._workers if a not in there]:
            worker = self._workers.pop(address)
            self._client.cancel(list(worker.futures), force=True)
            sent += [self._after_loss(each) for each in worker.futures.values()]
        return sent

    def _after_loss(self, sent: _Sent) -> _Sent:
        reason = "the workers that graded it got lost"
        is_certain = sent.losses + 1 >= _LOSSES
        task = (
            sent.task.after_failure(READING, reason, is_certain=True) if is_certain else sent.task
        )
        return _Sent(task, sent.losses + 1)

    def _hand_out(self, job: Job, pending: Iterator[Task], again: list[_Sent]) -> None:
        """Give every worker that may have one a task, the least busy first."""
        for busy in range(_AT_ONCE):
            for worker in self._workers.values():
                if len(worker.futures) != busy or not self._is_used(worker, job):
                    continue
                sent = again.pop() if again else _next(pending)
                if sent is None:
                    return
                self._send(worker, job, sent)

    def _is_used(self, worker: _Worker, job: Job) -> bool:
        has = worker.has
        if has is None or has.fingerprint != job.fingerprint:
            return False
        return self._trust_submissions or not has.walls_missing

    def _send(self, worker: _Worker, job: Job, sent: _Sent) -> None:
        self._numbers += 1
        number = f"submission-{self._numbers}"
        task = replace(sent.task, submission=replace(sent.task.submission, id=number))
        future = self._client.submit(
            grade_there,
            job,
            task,
            key=f"{number}-{os.urandom(8).hex()}",
            workers=[worker.address],
            allow_other_workers=False,
            pure=False,
        )
        worker.futures[future] = sent

    def _finished(self, again: list[_Sent]) -> Iterator[Result]:
        for worker in list(self._workers.values()):
            for future in [f for f in worker.futures if f.done()]:
                sent = worker.futures.pop(future)
                if future.status == "finished":
                    yield _renamed(future.result(), sent.task.submission.id)
                elif future.status == "error" and isinstance(future.exception(), LabError):
                    raise WorkerError(f"the worker at {worker.address}: {future.exception()}")
                else:  # lost with its worker
                    again.append(self._after_loss(sent))
                future.release()


def _next(pending: Iterator[Task]) -> _Sent | None:
    task = next(pending, None)
    return None if task is None else _Sent(task)


def _renamed(result: Result, submission: str) -> Result:
    """Return a result under the id that the submission has here."""
    if result.assessment is None:
        return replace(result, submission=submission)
    verdict: Mapping[str, Any] = result.assessment["verdict"]
    renamed = {**result.assessment, "verdict": {**verdict, "submission": submission}}
    return replace(result, submission=submission, assessment=renamed)


# What follows runs in the workers of the cluster.

_local: LocalWorkers | None = None
_lock = threading.Lock()  # a worker may have several threads; it grades one submission at a time


def describe_there(place: Place) -> Description:
    """Return what this worker of a cluster has of a lab; its course is found where it runs."""
    with _lock:
        return _workers().describe(replace(place, root=None))


def grade_there(job: Job, task: Task) -> Result:
    """Grade one submission in a process of this worker."""
    with _lock:
        here = replace(job, place=replace(job.place, root=None))
        return next(iter(_workers().run(here, [task])))


def _workers() -> LocalWorkers:
    global _local  # noqa: PLW0603 - one process for all tasks of a worker
    if _local is None:
        _allow_children()
        _local = LocalWorkers(1)
        atexit.register(_local.close)
    return _local


def _allow_children() -> None:
    """Let a process that Dask started as a daemon start processes of its own.

    Python refuses it, lest they outlive a daemon that is killed; ours end when their parent does.
    """
    config = getattr(multiprocessing.current_process(), "_config", {})
    config["daemon"] = False
