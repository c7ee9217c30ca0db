"""Runs without the seconds that imports take: one process has them done and forks for each run.

`Stem` starts that process (`labs.engine.sweeps.stem`) when the first run asks for it, and gives
`labs.engine.runner.execute` a way to start workers there. Results are those of ordinary processes:
a fork has the run's own environment, folder and random numbers, and has computed nothing before.
Where that cannot be promised (`why_not`), or when the process is gone, workers are ordinary ones.
"""

import ast
import contextlib
import json
import logging
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from labs.engine.launch import Command, Host, Worker, environment, start_process
from labs.engine.parameters import cell_source, read_notebook
from labs.engine.runner import Plan
from labs.engine.sweeps.executors import Job

SWITCH = "COURSE_WARM"
# Packages that do nothing when imported but define things.
HARMLESS = frozenset(
    ("course_utils", "labs", "numpy", "scipy", "pandas", "matplotlib", "torch")
) | {"IPython", "ipywidgets", "PIL"}
# What libraries read once, when they are imported.
READ_AT_IMPORT = re.compile(
    r"\b(?:OMP|MKL|OPENBLAS|KMP|GOMP|CUDA|PYTORCH|TORCH|NUMEXPR)_[A-Z_]+\b|\bMPL[A-Z]+\b"
)
GPU_FILES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
_log = logging.getLogger(__name__)


class WarmWorker:
    """A worker that is not this process's child: `labs.engine.launch.Worker`.

    Parameters
    ----------
    report
        The socket that tells its process number and, when it has ended, its exit code.
    stdin, stdout
        Its pipes.
    """

    def __init__(self, report: socket.socket, *, stdin: IO[str], stdout: IO[str]) -> None:
        self.stdin: IO[str] | None = stdin
        self.stdout: IO[str] | None = stdout
        self.pid = int(report.recv(32))
        self.returncode = 0
        self._report = report
        weakref.finalize(self, report.close)  # not at its end: a timer's thread may ask then

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._ended(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code when it has ended, or raise `subprocess.TimeoutExpired`."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("worker", timeout or 0.0)
        return code

    def _ended(self, timeout_s: float | None) -> int | None:
        if not select.select([self._report], [], [], timeout_s)[0]:
            return None
        content = self._report.recv(32, socket.MSG_PEEK)  # stays there for whoever asks next
        # The worker holds the other end as well: without a word, the stem had ended before it did.
        self.returncode = int(content) if content else -signal.SIGKILL
        return self.returncode


class Stem:
    """Starts workers from a process that has imported what they need; a context manager.

    Parameters
    ----------
    plan
        The notebook that is to be run.
    threads
        Of a kernel's arithmetic; a job with another number gets an ordinary process.
    """

    def __init__(self, plan: Plan, *, threads: int) -> None:
        self._plan, self._threads = plan, threads
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._is_given_up = False
        self._leave = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Return itself; the process starts with the first run."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process; workers that still run end when their runner does."""
        self._is_given_up = True
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        with self._lock:
            self._leave.close()

    def host(self, job: Job) -> Host:
        """Return how to start the processes of a run.

        Parameters
        ----------
        job
            The run.
        """
        start = self._start if job.threads == self._threads else None
        return Host(start=start, threads=job.threads)

    def _start(self, command: Command) -> Worker:
        """Start a worker: from the stem, or if that fails as an ordinary process."""
        with self._lock:
            if not self._is_given_up:
                try:
                    return self._fork(self._ready(), command)
                except (OSError, ValueError) as err:
                    self._is_given_up = True
                    _log.warning("no warm kernels, runs start more slowly: %s", err)
        return start_process(command)

    def _ready(self) -> socket.socket:
        """Return the socket that takes orders; the first call starts the process."""
        if self._control is not None:
            return self._control
        folder = Path(self._leave.enter_context(tempfile.TemporaryDirectory(prefix="lab-stem-")))
        (folder / "tmp").mkdir()
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._leave.enter_context(ours)
        command = [sys.executable, "-m", "labs.engine.sweeps.stem", str(its.fileno())]
        with its:
            self._process = subprocess.Popen(
                [*command, *imported(self._plan.notebook)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env=environment(folder, threads=self._threads),
                pass_fds=[its.fileno()],
                start_new_session=True,  # Ctrl-C reaches this process alone
            )
        answer = ours.recv(2**16)
        if not answer:
            raise OSError(f"their process ended with code {self._process.wait()}")
        if reason := json.loads(answer)["error"]:
            raise OSError(reason)
        self._control = ours
        return ours

    def _fork(self, control: socket.socket, command: Command) -> WarmWorker:
        order = {
            "task": str(command.task),
            "folder": str(command.folder),
            "environment": dict(command.environment),
        }
        with contextlib.ExitStack() as passed, contextlib.ExitStack() as kept:
            content = os.memfd_create("order")
            passed.callback(os.close, content)
            os.write(content, json.dumps(order).encode())
            report, its_report = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            kept.enter_context(report)
            passed.enter_context(its_report)
            its_stdin, stdin = os.pipe()
            passed.callback(os.close, its_stdin)
            writer = kept.enter_context(os.fdopen(stdin, "w", encoding="utf-8"))
            stdout, its_stdout = os.pipe()
            passed.callback(os.close, its_stdout)
            reader = kept.enter_context(os.fdopen(stdout, encoding="utf-8"))
            stderr = passed.enter_context(command.log.open("ab")).fileno()
            sent = [content, its_stdin, its_stdout, stderr, its_report.fileno()]
            socket.send_fds(control, [b"run"], sent)
            its_report.close()  # so that an end without a word is heard
            worker = WarmWorker(report, stdin=writer, stdout=reader)
            kept.pop_all()
        return worker


def imported(notebook: Path) -> list[str]:
    """Return the modules that a notebook imports and that are safe to import ahead of it.

    Parameters
    ----------
    notebook
        Its path.
    """
    names: dict[str, None] = {}  # in order
    for source in _sources(notebook):
        lines = (line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
        try:
            body = ast.parse("\n".join(lines)).body
        except (SyntaxError, ValueError):  # the kernel will say so
            continue
        for node in body:
            if isinstance(node, ast.Import):
                names |= dict.fromkeys(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names[node.module] = None
                names |= dict.fromkeys(f"{node.module}.{alias.name}" for alias in node.names)
    return [name for name in names if name.partition(".")[0] in HARMLESS]


def why_not(plan: Plan) -> str:
    """Return why warm kernels cannot be used here; empty if they can.

    Parameters
    ----------
    plan
        The notebook that is to be run.
    """
    if os.environ.get(SWITCH) == "0":
        return f"{SWITCH}=0"
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return f"they are forks, and those are safe on Linux alone; this is {sys.platform}"
    is_hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    if not is_hidden and any(Path(name).exists() for name in GPU_FILES):
        # Importing torch alone would be harmless, but a module may ask what GPUs there are.
        return "there is a GPU, and a fork cannot use one that its parent has asked for"
    for line in "\n".join(_sources(plan.notebook)).splitlines():
        if found := READ_AT_IMPORT.search(line.partition("#")[0]):
            return f"the notebook names {found[0]}, which libraries read when they are imported"
    return ""


def _sources(notebook: Path) -> list[str]:
    cells = read_notebook(notebook)["cells"]
    return [cell_source(cell) for cell in cells if cell["cell_type"] == "code"]
