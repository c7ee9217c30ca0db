"""One run on a worker of a Dask cluster: what travels there, what is done there, what comes back.

Nothing is shared with the machine that asks but this project: notebook, parameters and threads
arrive as data; the executed notebook, its record and its log go back as data. The run is refused
where it would not be the same one: other modules, other versions, other files. It ends as soon as
nobody waits for it: cancelled, its asker gone, or the worker about to leave.
"""

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from labs.engine.catalog import find_lab
from labs.engine.errors import RunError, UsageError
from labs.engine.extras import require_extras
from labs.engine.launch import FULL_BELOW_BYTES, Command, Host, start_process
from labs.engine.parameters import read_notebook
from labs.engine.processes import end_descendants
from labs.engine.runner import Plan, execute
from labs.engine.sweeps.executors import Job
from labs.engine.sweeps.folder import LOG, NOTEBOOK
from labs.engine.sweeps.identity import Origin, origin_of

LOOK_EVERY_S = 0.5  # whether somebody still waits for the run
LOG_LIMIT_BYTES = 2**20  # of a longer log, its end
# Decide numbers, and Dask gives its workers values of its own.
VARIABLES = ("PYTHONHASHSEED", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Task:
    """A job as it travels.

    Parameters
    ----------
    job
        Without the folders of the machine that asks.
    notebook
        Bytes of the notebook.
    origin
        What the run has in common with its siblings, as the machine that asks has it.
    name
        The run's name by that origin, in which the files count that its parameters name.
    variables
        The environment variables of `VARIABLES` there; None for what is not set.
    topic
        Where the cells that start are told, of Dask's events.
    """

    job: Job
    notebook: bytes = field(repr=False)
    origin: Origin
    name: str
    variables: Mapping[str, str | None]
    topic: str


@dataclass(frozen=True)
class Done:
    """A run that is over, as it comes back.

    Parameters
    ----------
    record
        As `labs.engine.runner.execute` returns it.
    content
        The executed notebook as plain data.
    log
        The end of what its process said.
    """

    record: Mapping[str, Any]
    content: Mapping[str, Any]
    log: bytes


def pack(job: Job, *, notebook: bytes, origin: Origin, topic: str) -> Task:
    """Return a job as it travels.

    Parameters
    ----------
    job
        The run to do.
    notebook
        Bytes of its notebook.
    origin
        Of its plan.
    topic
        As in `Task`.
    """
    plan = replace(job.plan, notebook=Path(job.plan.notebook.name))
    return Task(
        job=replace(job, plan=plan, place=Path()),
        notebook=notebook,
        origin=origin,
        name=origin.run_id(job.plan.parameters),
        variables={name: os.environ.get(name) for name in VARIABLES},
        topic=topic,
    )


def carry_out(task: Task) -> Done:
    """Carry out a run in the worker of a cluster that this is.

    Parameters
    ----------
    task
        What `pack` made of it elsewhere.

    Raises
    ------
    UsageError
        If it would be another run here.
    RunError
        If it could not be started, or its disk is full; `RunStoppedError` if nobody waits for it.
    """
    from distributed import get_worker  # noqa: PLC0415 - an extra

    worker: Any = get_worker()
    key = worker.get_current_task()
    job = task.job
    for name, value in task.variables.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    with tempfile.TemporaryDirectory(prefix="lab-job-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        plan = _unpack(task, folder)
        _check(task, plan)
        with _Guard(lambda: _is_wanted(worker, key)) as guard:
            record = execute(
                plan,
                output=folder / NOTEBOOK,
                timeout_s=job.timeout_s,
                progress=lambda cell, of: worker.log_event(task.topic, [job.run_id, cell, of]),
                host=Host(
                    start=guard.start,
                    threads=job.threads,
                    log=folder / LOG,
                    is_stopped=lambda: guard.is_stopped,
                ),
            )
        if record["status"] == "failed" and shutil.disk_usage(folder).free < FULL_BELOW_BYTES:
            raise RunError(f"no space left in {folder.parent}; free some")
        return Done(record, read_notebook(folder / NOTEBOOK), _tail(folder / LOG))


def _unpack(task: Task, folder: Path) -> Plan:
    """Return the plan of a task with the notebook and the lab that are here."""
    plan = task.job.plan
    lab = plan.lab
    if lab is not None:
        lab = replace(lab, folder=find_lab(lab.name).folder)
        require_extras(lab.extras, needed_by=f"lab {lab.name}")
    notebook = folder / "source" / plan.notebook.name
    notebook.parent.mkdir()
    notebook.write_bytes(task.notebook)
    return replace(plan, notebook=notebook, lab=lab)


def _check(task: Task, plan: Plan) -> None:
    """Refuse what would be another run than the one asked for."""
    here, there = origin_of(plan, threads=task.job.threads), task.origin
    modules = [
        name
        for name in sorted({*here.modules, *there.modules})
        if here.modules.get(name) != there.modules.get(name)
    ]
    versions = [
        f"{name} {here.versions.get(name, 'missing')}, not {there.versions.get(name, 'any')}"
        for name in sorted({*here.versions, *there.versions})
        if here.versions.get(name) != there.versions.get(name)
    ]
    if modules:
        versions.append(f"other code of {', '.join(modules)}")
    if versions:
        raise UsageError(f"it has {'; '.join(versions)}")
    if here.run_id(plan.parameters) != task.name:
        raise UsageError("a file that a parameter names is not there, or holds something else")


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_LIMIT_BYTES))
        return file.read()


def _is_wanted(worker: Any, key: str) -> bool:
    """Whether the scheduler still waits for a task, and the worker stays.

    Dask cannot end a task that runs; it notes that nobody waits for it, also when the client that
    asked is gone.
    """
    task = worker.state.tasks.get(key)
    is_leaving = worker.status.name in ("closing", "closed", "failed")
    return task is not None and task.state == "executing" and not is_leaving


class _Guard:
    """Looks after a run, and ends its processes when nobody waits for it any more."""

    def __init__(self, is_wanted: Callable[[], bool]) -> None:
        self.is_stopped = False
        self._is_wanted = is_wanted
        self._process: subprocess.Popen[str] | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def start(self, command: Command) -> "subprocess.Popen[str]":
        """Start the run's process and keep it in mind."""
        self._process = start_process(command)
        return self._process

    def _watch(self) -> None:
        while not self._is_over.wait(LOOK_EVERY_S):
            if self._is_wanted():
                continue
            self.is_stopped = True
            process = self._process  # None while it is about to start: it is ended the next time
            if process is not None and process.poll() is None:
                end_descendants(process.pid, and_itself=True)
