"""Jupyter kernels behind walls: what papermill, nbclient and nbval need to know of the sandbox.

A kernelspec that names the provisioner ``course-sandbox`` (`write_kernelspec`) is used like any
other one: starting, interrupting, restarting and ending work as usual, through unix sockets instead
of ports. Where walls are missing, the kernel is an ordinary one with what limits a process can give
itself, and a warning says so. The kernel's folder is a private, empty one: no file beside the
notebook is seen unless the kernelspec names it.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from labs.engine.sandbox import kernel
from labs.engine.sandbox.confine import Confined, confine, walls_missing
from labs.engine.sandbox.limits import Limits
from labs.engine.sandbox.starter import runtime_folder

PROVISIONER = "course-sandbox"
_PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")


def write_kernelspec(
    folder: Path,
    name: str,
    *,
    limits: Limits | None = None,
    read_only: Sequence[Path] = (),
    hide: Sequence[Path] = (),
    preload: Sequence[str] = (),
) -> Path:
    """Write a kernelspec whose kernels start behind walls, and return its file.

    Parameters
    ----------
    folder
        Where Jupyter looks for kernelspecs: ``kernels`` below a folder in ``JUPYTER_PATH``.
    name
        Of the kernelspec.
    limits, read_only, hide, preload
        As for `labs.engine.sandbox.confine.confine`.
    """
    config = {
        "limits": asdict(limits or Limits()),
        "read_only": [str(path) for path in read_only],
        "hide": [str(path) for path in hide],
        "preload": list(preload),
    }
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
        "metadata": {"kernel_provisioner": {"provisioner_name": PROVISIONER, "config": config}},
    }
    path = folder / name / "kernel.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(spec, indent=1), encoding="utf-8")
    return path


class KernelProcess:
    """A sandbox in the form of `subprocess.Popen`, which Jupyter expects.

    Parameters
    ----------
    confined
        The sandbox of the kernel.
    """

    stdin = stdout = stderr = None

    def __init__(self, confined: Confined) -> None:
        self.confined = confined
        self.pid = confined.pid

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        return self.confined.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end."""
        return self.confined.wait(timeout)

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel and what it has started."""
        if number == signal.SIGKILL:
            self.confined.kill()
        else:
            self.confined.signal(number)

    def kill(self) -> None:
        """End everything inside."""
        self.confined.kill()

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.confined.signal(signal.SIGTERM)


class SandboxProvisioner(LocalProvisioner):
    """Provides kernels behind walls; `walls` names those in force, none for an ordinary kernel.

    Parameters
    ----------
    limits, read_only, hide, preload
        From the kernelspec; see `write_kernelspec`.
    options
        What every provisioner is given.
    """

    def __init__(
        self,
        *,
        limits: Mapping[str, Any] | None = None,
        read_only: Sequence[str] = (),
        hide: Sequence[str] = (),
        preload: Sequence[str] = (),
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.walls: tuple[str, ...] = ()
        self._limits = Limits(**(limits or {}))
        self._read_only, self._hide = [*map(Path, read_only)], [*map(Path, hide)]
        self._preload = list(preload)
        self._folder: Path | None = None
        self._is_walled = False
        self._is_end_told = False

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose the kernel's sockets, or an ordinary kernel where there are no walls."""
        missing = walls_missing()
        self._is_walled = missing is None
        if missing is not None:
            self.log.warning("this kernel runs without walls, limited at most: %s", missing)
            prepared = await super().pre_launch(**kwargs)
            return {**prepared, "cmd": kernel.limited(prepared["cmd"], asdict(self._limits))}
        if self._folder is None:
            prefix = f"k{os.getpid()}-"  # names whose it is, for a later sweep
            self._folder = Path(tempfile.mkdtemp(prefix=prefix, dir=runtime_folder()))
        manager: Any = self.parent
        manager.transport, manager.ip = "ipc", str(self._folder / "k")
        manager.connection_file = str(self._folder / "kernel.json")
        manager.cache_ports = False
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel."""
        if not self._is_walled:
            return await super().launch_kernel(cmd, **kwargs)
        manager: Any = self.parent
        connection = json.loads(Path(manager.connection_file).read_text(encoding="utf-8"))
        task = {
            "kind": "kernel",
            "connection": connection,
            "sockets": [f"{connection['ip']}-{connection[port]}" for port in _PORTS],
            "environment": dict(self.kernel_spec.env),  # not the client's, which may hold secrets
        }
        confined = confine(
            task,
            limits=self._limits,
            hide=self._hide,
            read_only=self._read_only,
            preload=self._preload,
        )
        self.process: Any = KernelProcess(confined)
        self.pid: Any = confined.pid
        self.walls = confined.walls
        self._is_end_told = False
        return self.connection_info

    async def poll(self) -> int | None:
        """Return the exit code, or None while the kernel runs; say why it was stopped."""
        code = await super().poll()
        if code is not None and isinstance(self.process, KernelProcess) and not self._is_end_told:
            self._is_end_told = True
            confined = self.process.confined
            if confined.reason not in ("", "its client"):
                self.log.warning("the kernel %s", confined.ending())
            if code > 0:
                # As a literal: what comes from inside must not move the reader's cursor.
                self.log.warning("the kernel's last words: %a", confined.last_words[-500:])
        return code

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the sockets unless the same kernel starts again."""
        await super().cleanup(restart)
        if self._folder is not None and not restart:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    async def get_provisioner_info(self) -> dict[str, Any]:
        """Return what Jupyter stores about the kernel, and the walls in force."""
        return {**await super().get_provisioner_info(), "walls": list(self.walls)}
