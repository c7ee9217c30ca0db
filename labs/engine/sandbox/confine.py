"""Starts processes behind walls, and holds on to them: what the rest of the project uses.

`confine` asks the zygote for a sandbox and starts the zygote first if there is none. The walls are
those of `labs.engine.sandbox.walls`; a sandbox ends with the process that asked for it. This module
can be imported everywhere; `walls_missing` says whether the rest works here.
"""

import contextlib
import functools
import json
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from labs.engine.errors import SandboxError
from labs.engine.sandbox import cgroups
from labs.engine.sandbox.limits import Limits
from labs.engine.sandbox.starter import connections, runtime_folder, zygote_environment

START_WITHIN_S = 120.0  # a zygote imports from a cold disk
END_WITHIN_S = 10.0
PACKET_BYTES = 2**20
LOST = -signal.SIGTERM if sys.platform == "win32" else -signal.SIGKILL
_REASONS = {
    "memory": "was ended because its memory was full",
    "output": "was ended because it wrote too much",
    "processor time": "was ended because it computed for too long",
    "wall time": "was ended because it took too long",
}


@functools.cache
def walls_missing() -> str | None:
    """Return why student code cannot be walled in here; None if it can.

    The answer comes from building all walls once, in a process of its own.
    """
    if sys.platform != "linux":
        return f"walls need Linux, and this is {sys.platform}"
    try:
        folder = runtime_folder()
    except (SandboxError, OSError) as err:
        return str(err)
    # With a limit on time: whatever goes wrong there must not stop the caller.
    try:
        probe = subprocess.run(
            [sys.executable, "-P", "-m", "labs.engine.sandbox.supervisor", str(folder)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd="/",
            env=zygote_environment(folder),
            timeout=START_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"building the walls took longer than {START_WITHIN_S:g} s"
    if probe.returncode != 0:
        return (probe.stderr.strip().splitlines() or ["the attempt to build the walls failed"])[-1]
    return f"the system refuses: {probe.stdout}" if probe.stdout else None


class Confined:
    """A running sandbox; also a context that ends it.

    Parameters
    ----------
    control
        The connection to its supervisor. When it closes, everything inside is ended.
    started
        The supervisor's first message.
    """

    def __init__(self, control: socket.socket, started: Mapping[str, Any]) -> None:
        self.pid: int = started["pid"]
        self.walls: tuple[str, ...] = tuple(started["walls"])
        self.last_words = ""
        self.reason = ""
        self._control = control
        self._asking = threading.Lock()  # of two threads that ask, one receives the end
        self._group = cgroups.Group(tuple(cgroups.Parent(*p) for p in started["group"]))
        self._code: int | None = None
        self._cpu_s = 0.0

    def __enter__(self) -> "Confined":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def fileno(self) -> int:
        """Return a descriptor that becomes readable when the sandbox ends; -1 after that."""
        return self._control.fileno()

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        with self._asking:
            if self._code is None and self._is_readable(0.0):
                self._receive_end()
            return self._code

    def _receive_end(self) -> None:
        try:
            ended = json.loads(self._control.recv(PACKET_BYTES) or b"{}")
        except OSError:
            ended = {}
        self._control.close()
        self.reason = ended.get("reason", "its supervisor is gone")
        self.last_words = ended.get("last_words", "")
        self._cpu_s = max(self._cpu_s, ended.get("cpu_s") or 0.0)
        self._code = ended.get("ended", LOST)

    def _is_readable(self, timeout_s: float | None) -> bool:
        if self._control.fileno() < 0:  # another thread has just seen the end
            return False
        poller = select.poll()
        poller.register(self._control, select.POLLIN)
        return bool(poller.poll(None if timeout_s is None else timeout_s * 1000))

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for the end and return the exit code.

        Raises
        ------
        subprocess.TimeoutExpired
            If it still runs after `timeout_s`.
        """
        if self._code is None:
            self._is_readable(timeout_s)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("sandbox", timeout_s or 0.0)
        return code

    def signal(self, number: int) -> None:
        """Send a signal to the process inside and its group; SIGKILL ends the whole sandbox."""
        if self.poll() is None:
            with contextlib.suppress(OSError):  # it has just ended
                self._control.send(json.dumps({"signal": int(number)}).encode())

    def kill(self) -> None:
        """End everything inside and wait until nothing is left."""
        self.signal(signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(END_WITHIN_S)
        with self._asking:
            if self._code is None:  # its supervisor hangs: it dies with the connection
                self._control.close()
                self._code, self.reason = LOST, "its supervisor did not answer"

    def cpu_s(self) -> float:
        """Return the processor time of everything that runs or ran inside [s]."""
        if self._code is None:
            counted = cgroups.cpu_s(self._group)
            self._cpu_s = max(self._cpu_s, _tree_cpu_s(self.pid) if counted is None else counted)
        return self._cpu_s

    def ending(self) -> str:
        """Return in words how it ended."""
        code = self.poll()
        if code is None:
            return "is running"
        if self.reason in _REASONS:
            return _REASONS[self.reason]
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended itself with code {code}"


def _tree_cpu_s(pid: int) -> float:
    """Return the processor time of a process, those below it, and their ended children."""
    total_s = 0.0
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(pid)
        for process in (first, *first.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total_s += times.user + times.system + times.children_user + times.children_system
    return total_s


def confine(
    task: Mapping[str, Any],
    *,
    limits: Limits,
    hide: Sequence[Path] = (),
    read_only: Sequence[Path] = (),
    channel: socket.socket | None = None,
    preload: Sequence[str] = (),
) -> Confined:
    """Start a process behind walls and return when all of them stand.

    Parameters
    ----------
    task
        What it is to do: ``kind`` is ``desk``, ``kernel`` or ``probe``; ``environment`` adds
        variables; the rest is for the kind. All of it is readable inside.
    limits
        What it may use.
    hide
        Files and folders of what is shown that are not to be seen.
    read_only
        Files and folders to show besides Python and the labs.
    channel
        One end of a pair of sockets; inside it is descriptor 3. The caller closes its copy.
    preload
        Modules to import before the fork; they are imported once for all that name the same.

    Raises
    ------
    SandboxError
        If there is no such process; the message says why.
    """
    for path in hide:
        _make_compiled_folder(path)
    request = {
        "task": dict(task),
        "limits": asdict(limits),
        "hide": [str(path) for path in hide],
        "read_only": [str(path) for path in read_only],
    }
    answer: dict[str, Any] = {}
    for control in connections(tuple(preload)):
        answer = _ask(control, json.dumps(request).encode(), channel)
        if "pid" in answer:
            control.settimeout(None)
            return Confined(control, answer)
        control.close()
        if "error" in answer:
            break
    raise SandboxError(f"no sandbox: {answer.get('error', 'its maker ended before it answered')}")


def _ask(control: socket.socket, request: bytes, channel: socket.socket | None) -> dict[str, Any]:
    """Return the first message of a supervisor; nothing if its zygote has just ended itself."""
    descriptors = [] if channel is None else [channel.fileno()]
    try:
        socket.send_fds(control, [request], descriptors)
        control.settimeout(START_WITHIN_S)
        answer: dict[str, Any] = json.loads(control.recv(PACKET_BYTES) or b"{}")
    except ConnectionError:
        return {}
    except TimeoutError:
        return {"error": f"no answer within {START_WITHIN_S:g} s"}
    return answer


def _make_compiled_folder(path: Path) -> None:
    """Make the folder of compiled forms, so that it can be covered before anyone fills it."""
    if path.suffix == ".py":
        with contextlib.suppress(OSError):  # nobody can fill it here, then
            (path.parent / "__pycache__").mkdir(exist_ok=True)
