"""A Jupyter kernel: inside the walls as a fork of the zygote, or without walls as a fall-back.

Inside, `serve` turns the fork into an ordinary ipykernel whose sockets lie in a folder of its own.
Where there are no walls, the module is run as a program: it limits itself as far as the system can
(`python -m labs.engine.sandbox.kernel LIMITS COMMAND ...`) and becomes the kernel's command.
"""

import importlib
import json
import os
import random
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labs.engine.sandbox.limits import MESSAGES, MIB
from labs.engine.sandbox.view import PASSED

if sys.platform != "win32":
    import resource

INLINE = "module://matplotlib_inline.backend_inline"  # figures go into the notebook
COLD_BASE_BYTES = 2048 * MIB  # what the packages take that a cold kernel imports only later


def serve(channel: socket.socket | None, task: Mapping[str, Any]) -> None:
    """Be a kernel until it is shut down.

    Parameters
    ----------
    channel
        Not used: everything goes through the kernel's own sockets.
    task
        ``connection``: what the client has written into its connection file.
    """
    del channel
    connection = task["connection"]
    file = Path(PASSED) / "kernel.json"
    ip = f"{PASSED}/{Path(connection['ip']).name}"
    file.write_text(json.dumps({**connection, "ip": ip}), encoding="utf-8")
    _become_fresh()
    sys.argv = ["ipykernel_launcher.py", "-f", str(file)]
    app = importlib.import_module("ipykernel.kernelapp").IPKernelApp.instance()
    app.initialize(["-f", str(file), "--HistoryManager.enabled=False"])
    app.start()


def _become_fresh() -> None:
    """Undo what a fork shares with its siblings: the shell, random numbers, the plots' target."""
    importlib.import_module("IPython.core.interactiveshell").InteractiveShell.clear_instance()
    random.seed()
    importlib.import_module("numpy").random.seed()
    importlib.import_module("torch").seed()
    os.environ["MPLBACKEND"] = INLINE
    importlib.import_module("matplotlib").rcParams["backend"] = INLINE


def limited(command: list[str], limits: Mapping[str, float]) -> list[str]:
    """Return a command that limits itself before it becomes another."""
    return [sys.executable, "-P", "-m", __name__, json.dumps(dict(limits)), *command]


def main(limits_text: str, *command: str) -> None:
    """Limit this process as far as the system can, then become the command."""
    limits = json.loads(limits_text)
    if sys.platform != "win32":
        for kind, value in (
            (resource.RLIMIT_DATA, limits["memory_bytes"] + COLD_BASE_BYTES),
            (resource.RLIMIT_FSIZE, limits["file_bytes"]),
            (resource.RLIMIT_CPU, int(limits["cpu_s"] * MESSAGES) + 1),
            (resource.RLIMIT_CORE, 0),
        ):
            hard = resource.getrlimit(kind)[1]
            if hard == resource.RLIM_INFINITY or value < hard:
                resource.setrlimit(kind, (value, value))
    os.execv(command[0], command)  # noqa: S606 - no shell


if __name__ == "__main__":
    main(*sys.argv[1:])
