"""The process that has imported everything and forks a worker for every run of a sweep.

``python -m labs.engine.sweeps.stem CONTROL MODULE ...`` imports, says on the socket CONTROL whether
it can serve, and then waits for orders: descriptors of the order itself, of the worker's stdin,
stdout and stderr, and of a socket that is told the worker's process number and, when it has ended,
its exit code. `labs.engine.sweeps.warm` is the other end.

Each worker is a fork, and forks its kernel (`labs.engine.sweeps.forked`) before it starts a thread.
As a fork copies one thread alone, this process has no other one: it imports, and computes nothing.
It ends when the socket closes.
"""

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import selectors
import socket
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from labs.engine import worker
from labs.engine.sandbox.zygote import count_threads
from labs.engine.sweeps import forked

PACKAGES = (
    "numpy.random",
    "torch",
    "torch.utils.data",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",  # not the inline one, which looks for a shell when imported
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
)
BUFFERED = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)  # files to write to
DESCRIPTORS = 5  # of an order: see `Order`


@dataclass(frozen=True)
class Order:
    """A run to do, as descriptors.

    Parameters
    ----------
    content
        A file: the task's path, the folder to begin in and the environment, as JSON.
    stdin, stdout, stderr
        Of the worker.
    report
        The socket for process number and exit code.
    """

    content: int
    stdin: int
    stdout: int
    stderr: int
    report: int

    def close(self) -> None:
        """Close all of them but the report."""
        for descriptor in (self.content, self.stdin, self.stdout, self.stderr):
            os.close(descriptor)


def main(control_number: str, *modules: str) -> int:
    """Import, say so, and serve; in a fork, be the worker or the kernel.

    Parameters
    ----------
    control_number
        Descriptor of the socket that orders come from.
    modules
        What the notebook imports.
    """
    control = socket.socket(fileno=int(control_number))
    if Path(sys.path[0]) == Path.cwd():  # a kernel puts its own folder there
        del sys.path[0]
    reason = import_all(modules)
    gc.collect()
    gc.freeze()  # so that no collection in a fork touches, and copies, what is shared
    control.send(json.dumps({"error": reason}).encode())
    if reason:
        return 1
    order = serve(control)
    return 0 if order is None else _work(order)


def import_all(modules: Iterable[str]) -> str:
    """Import the packages and a notebook's modules; return why no fork may follow, if so.

    Parameters
    ----------
    modules
        Names; those that cannot be imported are left to the notebook, which may say so better.
    """
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except ImportError as err:
            return f"{name} cannot be imported: {err}"
    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    threads = count_threads()
    return "" if threads == 1 else f"the notebook's modules start threads when imported: {threads}"


def serve(control: socket.socket) -> Order | None:
    """Fork for every order; return None when no more will come, and in a fork its order.

    Parameters
    ----------
    control
        The socket that orders come from.
    """
    running: dict[int, int] = {}  # descriptor of a worker's process -> its report
    with selectors.PollSelector() as ready:  # which has no descriptor of its own
        ready.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is not control:
                    ready.unregister(key.fileobj)
                    _tell_end(key.fd, running.pop(key.fd))
                    continue
                content, descriptors, _, _ = socket.recv_fds(control, 16, DESCRIPTORS)
                if not content:
                    return None
                order = Order(*descriptors)
                if (pid := os.fork()) == 0:
                    control.close()
                    for descriptor in (*running, *running.values()):
                        os.close(descriptor)
                    return order
                order.close()
                process = os.pidfd_open(pid)
                running[process] = order.report
                ready.register(process, selectors.EVENT_READ)
                _tell(order.report, pid)


def _tell_end(process: int, report: int) -> None:
    """Take note of a worker that has ended, and tell its exit code."""
    ended = os.waitid(os.P_PIDFD, process, os.WEXITED)
    if ended is not None:  # as it always is without WNOHANG
        is_exit = ended.si_code == os.CLD_EXITED
        _tell(report, ended.si_status if is_exit else -ended.si_status)
    os.close(process)
    os.close(report)


def _tell(report: int, number: int) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        os.write(report, str(number).encode())


def _work(order: Order) -> int:
    """Be the worker of a run; in a second fork, its kernel. Return the exit code."""
    with os.fdopen(order.content, "rb") as file:
        file.seek(0)
        content = json.load(file)
    for place, descriptor in enumerate((order.stdin, order.stdout, order.stderr)):
        os.dup2(descriptor, place)
        os.close(descriptor)
    os.setsid()
    os.chdir(content["folder"])
    os.environ.clear()
    os.environ.update(content["environment"])
    tempfile.tempdir = None  # was found for another environment, if at all
    here, there = os.pipe()
    if (pid := os.fork()) == 0:
        os.close(there)
        os.close(order.report)
        return forked.serve(here)
    os.close(here)
    forked.provide(pid, there)
    return worker.main(content["task"])  # the report stays open until this process ends


def _run(*arguments: str) -> NoReturn:
    """End as Python does, but leave the memory to the system: emptying it copies what is shared."""
    code = 1
    try:
        code = main(*arguments)
    except SystemExit as err:
        code = err.code if isinstance(err.code, int) else int(err.code is not None)
    except BaseException:
        traceback.print_exc()
    try:
        files = [each for each in gc.get_objects() if type(each) in BUFFERED]
        gc.freeze()  # IPython collects when it ends, which is for nothing here
        threading._shutdown()  # type: ignore[attr-defined]  # what multiprocessing calls in forks
        atexit._run_exitfuncs()
        for each in (*files, sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # ValueError: it is closed
                each.flush()
    finally:
        os._exit(code & 0xFF)


if __name__ == "__main__":
    _run(*sys.argv[1:])
