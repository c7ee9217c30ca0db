"""A process for student code without walls, for machines that cannot build them.

It starts a fresh Python with what limits an ordinary process has (memory, size of a file, no core
dump, processor time over its life), in a session and a folder of its own, and ends it together with
its descendants. That is all: it can read every file that its user can, reach the network, and leave
processes behind that it has detached. `course grade` therefore uses it only with
``--trust-submissions``. Inside runs the same `labs.engine.sandbox.inside` as behind walls.

Run as ``python -m labs.engine.sandbox.cold FILE_DESCRIPTOR TASK``, it is that process.
"""

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from labs.engine.errors import SandboxError
from labs.engine.launch import environment
from labs.engine.processes import end_descendants
from labs.engine.sandbox.limits import MESSAGES, Limits


class Cold:
    """One process of student code, with the interface of `labs.engine.sandbox.confine.Confined`.

    Parameters
    ----------
    channel
        Its end of the connection; this process may close it afterwards.
    limits
        What an ordinary process can enforce of them.
    preload
        Modules that it imports before it serves.

    Raises
    ------
    SandboxError
        On a system without POSIX processes.
    """

    walls: tuple[str, ...] = ()
    reason = ""  # why it was ended, where that is known

    def __init__(
        self, channel: socket.socket, *, limits: Limits, preload: Sequence[str] = ()
    ) -> None:
        if os.name != "posix":
            raise SandboxError(
                f"student code cannot be run on {sys.platform}: it needs Linux or macOS; on "
                "Windows use the Windows Subsystem for Linux or a container"
            )
        self._folder = tempfile.TemporaryDirectory(
            prefix="course_cold_",
            ignore_cleanup_errors=True,  # a left-behind process may still write
        )
        folder = Path(self._folder.name)
        for name in ("work", "tmp"):
            (folder / name).mkdir()
        task = json.dumps({"limits": asdict(limits), "preload": list(preload)})
        descriptor = channel.fileno()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "labs.engine.sandbox.cold", str(descriptor), task],
            stdin=subprocess.PIPE,  # closes when this process ends, and that one ends with it
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(descriptor,),
            cwd=folder / "work",
            env=environment(folder) | {"HOME": str(folder / "work"), "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._is_over = False
        self._ending = threading.Lock()

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._process.poll()

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for the end and return the exit code.

        Raises
        ------
        subprocess.TimeoutExpired
            If it still runs after `timeout_s`.
        """
        return self._process.wait(timeout_s)

    def kill(self) -> None:
        """End it and what it started, wait until it is gone, and remove its folder."""
        with self._ending:
            if self._is_over:  # its number may be another process's by now
                return
            self._is_over = True
            if self._process.poll() is None:
                end_descendants(self.pid, and_itself=True)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)  # orphans that stayed in its session
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._folder.cleanup()

    def cpu_s(self) -> float:
        """Return the processor time that it and its descendants have used [s]."""
        used_s = 0.0
        with contextlib.suppress(psutil.Error):  # gone between two calls
            itself = psutil.Process(self.pid)
            for each in (itself, *itself.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    times = each.cpu_times()
                    used_s += times.user + times.system
                    used_s += times.children_user + times.children_system
        return used_s

    def ending(self) -> str:
        """Return in words how it ended."""
        status = self._process.poll()
        if status is None:
            return "is still running"
        if status >= 0:
            return f"ended itself with code {status}"
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-status).name}"
        return f"was ended by signal {-status}"


def main(arguments: Sequence[str]) -> None:
    """Be the process of student code."""
    from labs.engine.sandbox import inside  # noqa: PLC0415 - imports numpy, for this process only

    lifeline = os.dup(0)
    threading.Thread(target=_end_with_the_client, args=(lifeline,), daemon=True).start()
    task = json.loads(arguments[1])
    for name in task["preload"]:
        importlib.import_module(name)
    channel = socket.socket(fileno=int(arguments[0]))
    channel.set_inheritable(False)  # not for the programs that student code starts
    _limit(Limits(**task["limits"]))
    inside.serve(channel, task)


def _end_with_the_client(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    end_descendants(os.getpid())
    os._exit(1)


def _limit(limits: Limits) -> None:
    import resource  # noqa: PLC0415 - POSIX only, and this file is read elsewhere too

    in_use = psutil.Process().memory_info().vms  # the heavy packages do not count
    wanted: dict[Any, int] = {
        resource.RLIMIT_AS: in_use + limits.memory_bytes,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_CPU: int(limits.cpu_s * MESSAGES) + 1,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in wanted.items():
        with contextlib.suppress(ValueError, OSError):  # a lower limit is in force, or none is kept
            resource.setrlimit(kind, (value, value))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    finally:  # student code may have left threads and exit handlers that never end
        os._exit(0)
