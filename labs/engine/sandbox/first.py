"""What happens inside a sandbox before the task runs: two processes take up their walls.

The first process builds everything and then only waits: it takes in orphans, passes signals on, and
when it ends the kernel ends all others. The process it starts is the student's: it gives up every
right, says that all walls stand, and serves the task. `labs.engine.sandbox.supervisor` is outside.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from labs.engine.sandbox import cgroups, seccomp, walls
from labs.engine.sandbox.limits import Limits
from labs.engine.sandbox.view import HOME, view

KINDS = {
    "desk": "labs.engine.sandbox.inside",
    "kernel": "labs.engine.sandbox.kernel",
    "probe": "labs.engine.sandbox.probe",
}
STUDENT = 2  # number of the student's process inside, and of its group
CHANNEL = 3  # the descriptor that the process finds its channel at
_REPORT = 4  # and, until all walls stand, the way to the supervisor
_HIGH = 64  # descriptors are moved above this before they get their places
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


@dataclass(frozen=True)
class Order:
    """One sandbox as it is to be built.

    Parameters
    ----------
    request
        What the client has sent.
    limits
        From the request.
    channel
        Descriptor that becomes the channel of the process; None if the client sent none.
    root
        An empty folder to build upon.
    is_root
        Whether this is root with all rights; else a namespace for users gives them.
    group
        The control group, empty where there is none.
    user
        The number of the user inside.
    lock
        Keeps the number from other sandboxes while it is open.
    """

    request: Mapping[str, Any]
    limits: Limits
    channel: int | None
    root: str
    is_root: bool
    group: cgroups.Group
    user: int = walls.ORDINARY_USER
    lock: socket.socket | None = None


def tell(other: socket.socket, **message: Any) -> None:
    """Send a message to who may have gone: what follows is the same then."""
    with contextlib.suppress(OSError):
        other.send(json.dumps(message).encode())


def run(order: Order, report: socket.socket, *, words: int) -> NoReturn:
    """Be the first process of a sandbox, until it ends.

    Parameters
    ----------
    order
        What to build.
    report
        Connected to the supervisor.
    words
        Descriptor to write to what comes past Python.
    """
    _or_report(report, lambda: _first_process(order, report, words))


def _or_report(report: socket.socket, action: Callable[[], NoReturn]) -> NoReturn:
    """Do something that does not return; say why if it does, and end."""
    try:
        action()
    except BaseException as err:
        tell(report, error=f"{err}")
    finally:
        os._exit(70)


def _first_process(order: Order, report: socket.socket, words: int) -> NoReturn:
    """Build the walls, start the process, then wait for its end."""
    cgroups.enter(order.group)
    walls.isolate()
    request = order.request
    seen = view(read_only=request["read_only"], hide=request["hide"])
    walls.build_root(order.root, seen, user=order.user, scratch_bytes=order.limits.scratch_bytes)
    if "sockets" in request["task"]:
        folder = walls.open_passed()
        socket.send_fds(report, [b'{"folder": true}'], [folder])
        os.close(folder)
    for number in _PASSED_ON:
        signal.signal(number, _pass_on)
    process = os.fork()
    if process == 0:
        report = _place_descriptors(report, words, order.channel)
        _or_report(report, lambda: _student_process(order, report))
    walls.drop_privileges(order.user, is_root=order.is_root, is_readable=False)
    walls.die_with_parent()
    kept = {report.fileno(), *([order.lock.fileno()] if order.lock else [])}
    _close_all_but(kept)
    if _is_closed(report):  # the supervisor ended before it could take us along
        os._exit(0)
    while True:
        ended, status = os.wait()
        if ended == process:  # with the first process the kernel ends all others
            tell(report, ended=os.waitstatus_to_exitcode(status))
            os._exit(0)


def _pass_on(number: int, _: object) -> None:
    with contextlib.suppress(ProcessLookupError):  # not there yet, or not any more
        os.killpg(STUDENT, number)


def _close_all_but(kept: set[int]) -> None:
    start = 0
    for descriptor in sorted(kept):
        if start < descriptor:  # for an empty range some versions of Python close everything
            os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, 2**16)


def _is_closed(report: socket.socket) -> bool:
    try:
        return report.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False


def _student_process(order: Order, report: socket.socket) -> NoReturn:
    """Take the last walls up, say so, and run the task."""
    os.setsid()
    for number in _PASSED_ON:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    task = order.request["task"]
    _set_environment(task.get("environment", {}))
    os.chdir(HOME)
    walls.set_limits(order.limits)
    walls.drop_privileges(order.user, is_root=order.is_root, is_readable=True)
    seccomp.install(is_memory_counted="memory" in cgroups.controls(order.group))
    tell(report, ready=True)
    report.close()
    channel = socket.socket(fileno=CHANNEL) if order.channel is not None else None
    _serve(KINDS[task["kind"]], channel, task)


def _place_descriptors(report: socket.socket, words: int, channel: int | None) -> socket.socket:
    """Leave open nothing but what the process is meant to have; return `report` at its place."""
    null = os.open(os.devnull, os.O_RDWR)
    wanted = {0: null, 1: words, 2: words, _REPORT: report.detach()}
    if channel is not None:
        wanted[CHANNEL] = channel
    high = {place: _HIGH + place for place in wanted}
    for place, descriptor in wanted.items():
        os.dup2(descriptor, high[place])
    for place, descriptor in high.items():
        os.dup2(descriptor, place, inheritable=place < CHANNEL)
    _close_all_but(set(wanted))
    return socket.socket(fileno=_REPORT)


def _set_environment(extra: Mapping[str, str]) -> None:
    """Keep of the zygote's environment what is not about the host's user; add what is asked for."""
    kept = {name: value for name, value in os.environ.items() if name not in ("HOME", "USER")}
    os.environ.clear()
    os.environ.update(kept)
    os.environ.update(
        HOME=HOME,
        USER="student",
        LOGNAME="student",
        TMPDIR="/tmp",  # noqa: S108 - its own
        IPYTHONDIR=f"{HOME}/.ipython",
        MPLCONFIGDIR=f"{HOME}/.matplotlib",
        XDG_CACHE_HOME=f"{HOME}/.cache",
        **extra,
    )


def _serve(module: str, channel: socket.socket | None, task: Mapping[str, Any]) -> NoReturn:
    """Run a task as Python runs a program: its exit code is this process's."""
    gc.enable()
    code = 0
    try:
        importlib.import_module(module).serve(channel, task)
    except SystemExit as err:
        code = err.code if isinstance(err.code, int) else int(err.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code & 0xFF)
