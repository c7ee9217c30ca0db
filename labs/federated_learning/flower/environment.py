"""The environment of Flower's processes: nothing sent, nothing installed, nothing left behind.

Telemetry, update checks and installing at run time are off. Every process that descends from ours
carries a mark in its environment, by which it is found again even if its parent has gone.
"""

import contextlib
import os
import socket
import sys
from pathlib import Path

import psutil

from labs.engine.extras import require_extras

MARK = "COURSE_FEDERATION"
QUIET = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "SPT_NOENV": "1",  # Ray's processes rename themselves; without this over their environment
    "OMP_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
    "NO_COLOR": "1",
}
# A notebook asks programs for colours, and Flower puts them even into its JSON.
COLOURS = ("FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE")
LOOPBACK = "127.0.0.1"
GONE_WITHIN_S = 5.0
SCANS = 5


class FederationError(RuntimeError):
    """A federation that cannot be started, or does not do in time what it was asked."""


def require() -> None:
    """Refuse to go on without Flower.

    Raises
    ------
    ExtraMissingError
        Naming what is missing and the command that installs it.
    """
    require_extras(("federated",), needed_by="the federation of processes")


def environment(home: Path, *, mark: str) -> dict[str, str]:
    """Return the environment of a process of a federation.

    Parameters
    ----------
    home
        Flower's own folder, instead of the user's.
    mark
        By which `end_marked` finds the process.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    modules = os.pathsep.join(
        filter(None, [str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")])
    )
    own = {"FLWR_HOME": str(home), MARK: mark, "PATH": path, "PYTHONPATH": modules}
    plain = {name: value for name, value in os.environ.items() if name not in COLOURS}
    return {**plain, **QUIET, **own}


def marked(mark: str) -> list[psutil.Process]:
    """Return the processes with this mark, but not this one."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                found.append(process)
    return found


def end_marked(mark: str) -> int:
    """Kill every process with this mark and return how many there were.

    Processes that are being started meanwhile are found by looking again.
    """
    ended = 0
    for _ in range(SCANS):
        found = marked(mark)
        if not found:
            break
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        _, alive = psutil.wait_procs(found, timeout=GONE_WITHIN_S)
        ended += len(found) - len(alive)
    return ended


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


def is_taken(port: int, *, host: str = LOOPBACK) -> bool:
    """Whether something listens on a port already."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return True
    return False


def is_open(port: int, *, host: str = LOOPBACK) -> bool:
    """Whether a connection to a port is accepted."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex((host, port)) == 0
