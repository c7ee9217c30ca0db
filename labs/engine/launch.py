"""Starts the process that executes one notebook, listens to it, and leaves nothing running.

The kernel is always this Python, whatever the notebook's own kernelspec says. Its environment is
the caller's, and besides::

    COURSE_STATIC=1        widgets show a still picture
    OMP_NUM_THREADS=1      unless set: one thread beats two for small models, and runs compare
    PYTHONHASHSEED=0       unless set: sets keep their order from run to run
    MPLBACKEND             figures go into the notebook
    PYTHONPATH             begins with the folder that holds this project
    JUPYTER_*, IPYTHONDIR  inside the run's own folder: no one's settings or start-up files apply
    TMPDIR, TEMP, TMP      the same: what the notebook leaves there goes with the folder

The other half is `labs.engine.worker`. This module does not judge how a run went.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from labs.engine.catalog import LABS_ROOT
from labs.engine.errors import LabFormatError, RunStoppedError
from labs.engine.parameters import read_notebook
from labs.engine.processes import end_descendants

KERNEL_NAME = "python3"
END_WITHIN_S = 10.0  # from the worker's last word to its end
FULL_BELOW_BYTES = 2**20  # what no executed notebook with pictures fits into
Progress = Callable[[int, int], None]  # number of the code cell that starts, code cells in all
WriteKernel = Callable[[Path, str], object]  # writes a kernelspec into a folder, under a name


class Worker(Protocol):
    """The process of `labs.engine.worker`, as `subprocess.Popen` and its like show it."""

    stdin: IO[str] | None
    stdout: IO[str] | None
    pid: int
    returncode: int

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code when it has ended, or raise `subprocess.TimeoutExpired`."""


@dataclass(frozen=True)
class Host:
    """Where the processes of a run come from, what they may use, and where their words go.

    Parameters
    ----------
    write_kernel
        Writes the kernelspec to use, such as one of kernels behind walls
        (`labs.engine.sandbox.provisioner.write_kernelspec`); an ordinary kernel without it.
    start
        Starts the worker from its command, environment, folder and the file of its words; an
        ordinary process without it.
    threads
        Threads of a kernel's arithmetic; as the environment says, else 1, without it.
    log
        The file that gets what worker and kernel write to stderr; the run's own folder without it.
    is_stopped
        Asked when the worker has ended: whether it was ended on purpose, so that nothing shall be
        recorded.
    """

    write_kernel: WriteKernel | None = None
    start: "Start | None" = None
    threads: int | None = None
    log: Path | None = None
    is_stopped: Callable[[], bool] = bool


ORDINARY = Host()


@dataclass(frozen=True)
class Command:
    """What starts a worker.

    Parameters
    ----------
    task
        The file that says what to do.
    folder
        The folder that the worker begins in.
    environment
        All of its environment.
    log
        The file that gets its stderr, and the kernel's.
    """

    task: Path
    folder: Path
    environment: Mapping[str, str]
    log: Path


Start = Callable[[Command], Worker]


@dataclass(frozen=True)
class Ending:
    """How a process ended, and what it left behind.

    Parameters
    ----------
    content
        The executed notebook as plain data, as far as it came.
    is_ok
        Whether papermill reached the end of the notebook.
    cell
        Number of the cell that failed or ran last, n of ``In [n]``; None if none was started.
    name, message
        Class and text of the error; empty if `is_ok`.
    duration_s, cpu_s
        Wall time; CPU time of the kernel and the processes it started.
    """

    content: dict[str, Any]
    is_ok: bool
    cell: int | None
    name: str
    message: str
    duration_s: float
    cpu_s: float


def launch(
    notebook: Path,
    parameters: Mapping[str, Any],
    *,
    folder: Path,
    timeout_s: float | None = None,
    progress: Progress | None = None,
    host: Host = ORDINARY,
) -> Ending:
    """Execute a notebook with papermill in a process of its own and wait for its end.

    Parameters
    ----------
    notebook
        The notebook; it is only read.
    parameters
        What papermill injects; nothing is injected if empty.
    folder
        An empty folder for everything that the run needs; the caller removes it.
    timeout_s
        Kill the run after this time [s].
    progress
        Called with number and count whenever a code cell starts.
    host
        Where its processes come from.

    Raises
    ------
    RunStoppedError
        If `host` says that the run was stopped on purpose.
    """
    task = _prepare(notebook, parameters, folder)
    (host.write_kernel or _write_kernel)(folder / "jupyter" / "kernels", KERNEL_NAME)
    log = host.log or folder / "stderr.txt"
    command = Command(task, folder / "work", environment(folder, threads=host.threads), log)
    worker = (host.start or start_process)(command)
    start_s = time.perf_counter()  # the first run of a sweep waits for what all of them share
    outcome = _wait(worker, log, timeout_s=timeout_s, progress=progress)
    if host.is_stopped():
        raise RunStoppedError("the run was stopped; nothing was recorded")
    return Ending(
        content=_executed(folder),
        is_ok=outcome.get("outcome") == "ok",
        cell=outcome["cell"],
        name=outcome.get("name", ""),
        message=outcome.get("message", "").replace(str(folder / "work"), "."),
        duration_s=time.perf_counter() - start_s,
        cpu_s=outcome["cpu_s"],
    )


def environment(folder: Path, *, threads: int | None = None) -> dict[str, str]:
    """Return the environment of worker and kernel; the module's text says why.

    Parameters
    ----------
    folder
        Of the run.
    threads
        Value of OMP_NUM_THREADS, whatever the caller's says.
    """
    paths = [str(LABS_ROOT.parent), os.environ.get("PYTHONPATH", "")]
    defaults = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    chosen = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    return (
        defaults
        | dict(os.environ)
        | chosen
        | {
            "COURSE_STATIC": "1",
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "JUPYTER_PATH": str(folder / "jupyter"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "IPYTHONDIR": str(folder / "ipython"),
            **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder / "tmp")),
        }
    )


def _prepare(notebook: Path, parameters: Mapping[str, Any], folder: Path) -> Path:
    """Write everything the worker needs into the run's folder; return the task's file."""
    content = read_notebook(notebook)
    content["metadata"] = {
        **content.get("metadata", {}),
        "kernelspec": {"name": KERNEL_NAME, "display_name": "Python 3", "language": "python"},
    }
    content["metadata"].pop("papermill", None)  # an input that is itself the output of a run
    work = folder / "work"
    for each in (work, folder / "ipython", folder / "tmp"):
        each.mkdir(parents=True)
    task = {
        "input": str(folder / "input.ipynb"),
        "output": str(folder / "executed.ipynb"),
        "parameters": dict(parameters),
        "kernel_name": KERNEL_NAME,
        "folder": str(work),
    }
    (folder / "input.ipynb").write_text(json.dumps(content), encoding="utf-8")
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
    return folder / "task.json"


def _write_kernel(kernels: Path, name: str) -> None:
    """Write the kernelspec of an ordinary kernel of this Python."""
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
    (kernels / name).mkdir(parents=True)
    (kernels / name / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def start_process(command: Command) -> "subprocess.Popen[str]":
    """Start a worker as an ordinary process.

    Parameters
    ----------
    command
        What it needs.
    """
    with command.log.open("ab") as stderr:
        return subprocess.Popen(
            [sys.executable, "-m", "labs.engine.worker", str(command.task)],
            stdin=subprocess.PIPE,  # closes when this process ends, and the worker ends with it
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=command.folder,
            env=dict(command.environment),
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C reaches this process alone, which ends the worker
        )


def _wait(
    worker: Worker,
    log: Path,
    *,
    timeout_s: float | None,
    progress: Progress | None,
) -> dict[str, Any]:
    """Return the worker's last message, or one in its place; nothing of it is left running."""
    timed_out = threading.Event()
    killed_cpu_s: list[float] = []

    def end_late_run() -> None:
        timed_out.set()
        killed_cpu_s.append(end_descendants(worker.pid))
        try:  # without its kernel it has but to write the notebook
            worker.wait(timeout=END_WITHIN_S)
        except subprocess.TimeoutExpired:
            _end(worker)

    timer = threading.Timer(timeout_s or 0.0, end_late_run)
    try:
        if timeout_s is not None:
            timer.start()
        outcome, last_cell = _listen(worker, progress)
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.wait(timeout=END_WITHIN_S)
    finally:  # also when Ctrl-C comes
        timer.cancel()
        if timed_out.is_set():
            timer.join()
        _end(worker)
        worker.wait()
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                pipe.close()
    if timed_out.is_set() and outcome.get("outcome") != "ok":
        outcome = {"name": "TimeoutError", "message": f"not finished after {timeout_s:g} s"}
    elif not outcome:
        outcome = {"name": "RunError", "message": _reason(worker.returncode, log)}
    cell = outcome.get("cell") or last_cell
    return {"cpu_s": sum(killed_cpu_s), **outcome, "cell": cell}


def _end(worker: Worker) -> float:
    """Kill the worker and everything below it; return the CPU time [s] of what was below."""
    return end_descendants(worker.pid, and_itself=True) if worker.poll() is None else 0.0


def _listen(worker: Worker, progress: Progress | None) -> tuple[dict[str, Any], int | None]:
    """Return the worker's last message, if it came, and the cell that started last."""
    cell: int | None = None
    for line in worker.stdout or ():
        with contextlib.suppress(ValueError):  # a line cut short by the worker's death
            message = json.loads(line)
            if "outcome" in message:
                return message, cell
            cell = int(message["cell"])
            if progress is not None:
                progress(cell, int(message["of"]))
    return {}, cell


def _executed(folder: Path) -> dict[str, Any]:
    """Return the executed notebook, or the input if a kill cut the former short."""
    try:
        return read_notebook(folder / "executed.ipynb")
    except (LabFormatError, OSError):
        return read_notebook(folder / "input.ipynb")


def _reason(returncode: int, stderr: Path) -> str:
    """Return why a worker ended without a last word."""
    if returncode < 0:
        return f"its process was ended by {signal.Signals(-returncode).name}"
    if shutil.disk_usage(stderr.parent).free < FULL_BELOW_BYTES:  # its last line is cut short, too
        folder = stderr.parent.parent
        return f"no space left in {folder}; free some, or let TMPDIR name another folder"
    lines = stderr.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"its process ended with code {returncode}: {lines[-1] if lines else 'no word'}"
