"""The process that has imported the heavy packages and forks a sandbox for every client.

A start from here takes milliseconds where a cold one takes seconds. It stays single-threaded, since
a fork copies only one thread: it imports, but computes nothing. It is started by
`labs.engine.sandbox.confine` with a listening socket, and ends itself when nobody has asked for
anything for a while. It never sees what it forks for: the fork reads the request.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from labs.engine.sandbox import cgroups, first, supervisor

# What every sandbox would otherwise import for itself.
PACKAGES = (
    "numpy",
    "torch",
    "torch.utils.data",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "IPython.core.interactiveshell",
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "labs.engine.sandbox.kernel",
    "labs.engine.sandbox.probe",
)
TICK_S = 1.0
REFUSING_FOR_S = 5.0  # a zygote that cannot serve says why to those that are already waiting


def main(settings: dict[str, Any]) -> None:
    """Import, check, and serve until idle.

    Parameters
    ----------
    settings
        ``listener``: descriptor of the socket at ``path``; ``folder``: private folder;
        ``preload``: more modules to import; ``idle_s``.
    """
    if os.fork():  # whoever started this waits for nobody
        os._exit(0)
    listener = socket.socket(fileno=settings["listener"])
    folder = Path(settings["folder"])
    try:
        place = supervisor.find_place(folder)
        warm_up(settings["preload"], folder)
    except Exception as err:
        _refuse(listener, f"{type(err).__name__}: {err}")
        return
    if (threads := count_threads()) != 1:
        _refuse(listener, f"{threads} threads run after the imports, and a fork copies only one")
        return
    gc.collect()
    gc.freeze()  # so that no collection in a fork touches, and copies, what is shared
    _sweep_folders(folder)
    _serve(listener, place, folder=folder, idle_s=settings["idle_s"])
    # Whoever connects in this moment finds the connection closed and starts another zygote.
    Path(settings["path"]).unlink(missing_ok=True)
    Path(settings["path"]).with_suffix(".log").unlink(missing_ok=True)


def warm_up(preload: list[str], folder: Path) -> None:
    """Import what sandboxes need, and make the shell that runs cells at a desk."""
    for name in (*preload, *PACKAGES):
        importlib.import_module(name)
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module(first.KINDS["desk"])
    make_shell(folder)


def make_shell(folder: Path) -> None:
    """Make the IPython shell of this process, without history and start-up files."""
    shell = importlib.import_module("IPython.core.interactiveshell").InteractiveShell
    config = importlib.import_module("traitlets.config").Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell.instance(config=config, ipython_dir=str(folder / "ipython"))


def count_threads() -> int:
    """Return how many threads this process has, those of numerical libraries put to rest.

    OpenBLAS ends its threads before a fork and starts them when it next computes.
    """
    if (process := os.fork()) == 0:
        os._exit(0)
    os.waitpid(process, 0)
    return len(list(Path("/proc/self/task").iterdir()))


def _refuse(listener: socket.socket, reason: str) -> None:
    """Tell those who wait, and those who come in the next seconds, why there is no sandbox."""
    end_s = time.monotonic() + REFUSING_FOR_S
    while (left_s := end_s - time.monotonic()) > 0:
        if select.select([listener], [], [], left_s)[0]:
            client, _ = listener.accept()
            with client, contextlib.suppress(OSError):
                client.settimeout(TICK_S)
                client.recv(1)  # closing with the request unread would take the answer back
                client.send(json.dumps({"error": reason}).encode())


def _serve(
    listener: socket.socket, place: supervisor.Place, *, folder: Path, idle_s: float
) -> None:
    """Fork a supervisor for every client; tidy up after those that were killed."""
    alive: set[int] = set()
    last_s = time.monotonic()
    while alive or time.monotonic() - last_s < idle_s:
        is_asked = select.select([listener], [], [], TICK_S)[0]
        if _reap(alive):
            cgroups.sweep(place.parents)
            _sweep_folders(folder)
        if not is_asked:
            continue
        client, _ = listener.accept()
        last_s = time.monotonic()
        if (process := os.fork()) == 0:
            listener.close()
            _supervise(client, place)
        alive.add(process)
        client.close()


def _supervise(client: socket.socket, place: supervisor.Place) -> None:
    try:
        supervisor.supervise(client, place)
    except BaseException:
        traceback.print_exc()  # into the zygote's log: a mistake of ours
    finally:
        os._exit(0)


def _reap(alive: set[int]) -> bool:
    """Take note of ended supervisors; return whether one did not end by itself."""
    was_killed = False
    while alive:
        process, status = os.waitpid(-1, os.WNOHANG)
        if process == 0:
            break
        alive.discard(process)
        was_killed = was_killed or os.WIFSIGNALED(status)
    return was_killed


def _sweep_folders(folder: Path) -> None:
    """Remove folders for sockets whose makers, named by their process numbers, are gone."""
    for path in folder.glob("k*-*"):
        if cgroups.is_gone(path.name[1:].partition("-")[0]):
            shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(json.loads(sys.argv[1]))
