"""A kernel that was forked before it is wanted: how its worker starts it, and what it does then.

The worker of a run forks a copy of itself while it has a single thread. The copy waits on a pipe
(`serve`), until nbclient asks for a kernel and gets this one instead of a new process (`provide`).
So the kernel is the worker's child, as any other one: its time counts, and it ends with the worker.
"""

import importlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from importlib.metadata import EntryPoint
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

LOCAL = "local-provisioner"  # the name of Jupyter's own, which kernelspecs have unless they say
TICK_S = 0.02


class KernelProcess:
    """A fork in the form of `subprocess.Popen`, which Jupyter expects.

    Parameters
    ----------
    pid
        A child of this process.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, or raise `subprocess.TimeoutExpired`."""
        start_s = time.monotonic()
        while (code := self.poll()) is None:
            if timeout is not None and time.monotonic() - start_s > timeout:
                raise subprocess.TimeoutExpired("kernel", timeout)
            time.sleep(TICK_S)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class ForkedProvisioner(LocalProvisioner):
    """Provides the fork that waits as a kernel; another one would be an ordinary process.

    Attributes
    ----------
    waiting
        Process number of the fork, and the pipe that it reads; None when it is used up.
    """

    waiting: tuple[int, int] | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Tell the fork what to do."""
        if ForkedProvisioner.waiting is None:
            return await super().launch_kernel(cmd, **kwargs)
        (pid, pipe), ForkedProvisioner.waiting = ForkedProvisioner.waiting, None
        file = cmd[cmd.index("-f") + 1]
        order = {"file": file, "environment": kwargs["env"], "folder": kwargs.get("cwd")}
        with os.fdopen(pipe, "w", encoding="utf-8") as words:
            json.dump(order, words)
        self.process: Any = KernelProcess(pid)
        self.pid: Any = pid
        self.pgid: Any = pid
        return self.connection_info


def provide(pid: int, pipe: int) -> None:
    """Let Jupyter's next local kernel in this process be a fork that waits.

    Parameters
    ----------
    pid
        Of the fork, a child of this process.
    pipe
        Descriptor that it reads its order from.
    """
    ForkedProvisioner.waiting = pid, pipe
    factory = KernelProvisionerFactory.instance()
    ours = EntryPoint(LOCAL, f"{__name__}:{ForkedProvisioner.__name__}", factory.GROUP_NAME)
    factory.provisioners[LOCAL] = ours


def serve(pipe: int) -> int:
    """Wait for the order, be a kernel until it is shut down, and return the exit code.

    Parameters
    ----------
    pipe
        Descriptor that the order comes from; if it closes without one, there is nothing to do.
    """
    os.setsid()
    os.dup2(2, 1)  # stdout is the worker's way to the runner
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    with os.fdopen(pipe, "rb") as words:
        content = words.read()
    if not content:
        return 0
    order = json.loads(content)
    os.environ.clear()
    os.environ.update(order["environment"])
    if order["folder"]:
        os.chdir(order["folder"])
    random.seed()
    importlib.import_module("numpy").random.seed()
    importlib.import_module("torch").default_generator.seed()
    sys.argv = ["ipykernel_launcher.py", "-f", order["file"]]
    app = importlib.import_module("ipykernel.kernelapp").IPKernelApp
    app.launch_instance(sys.argv[1:], parent_handle=os.getppid())
    return 0
