"""Answers for one sandbox from outside: builds it, listens to its client, ends and removes it.

The zygote forks a supervisor for every client that connects, and it forks on::

    supervisor           outside the walls; when its client is gone, everything is
      `-- first process  number 1 inside; takes in orphans, passes signals on, closed to the others
            `-- process  number 2 inside: the student's code, behind every wall

A client sends one request, with the descriptor of its channel, and then ``{"signal": n}``; it is
told ``{"pid": ..., "walls": [...]}`` or ``{"error": ...}``, and at last how everything ended. Each
message is JSON, one packet. Run as a program, this module tries whether walls work here.
"""

import contextlib
import gc
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from labs.engine.sandbox import cgroups, first, walls
from labs.engine.sandbox.first import Order, tell
from labs.engine.sandbox.limits import MESSAGES, Limits
from labs.engine.sandbox.relay import Relay

PACKET_BYTES = 2**20
LAST_WORDS_WITHIN_S = 1.0  # for a client to take what an ended kernel has sent
LOOK_S = 5.0  # between two looks at the time that a whole sandbox has taken
CLIENT_GONE = "its client is gone"
_LAST_WORDS_BYTES = 4096
_OURS = ("own processes", "own files, read only", "own network", "no privileges")
_LIMITED_BY = {True: "(cgroup)", False: "(each process)"}


@dataclass(frozen=True)
class Place:
    """What all sandboxes of a zygote share.

    Parameters
    ----------
    root
        An empty folder; every sandbox builds its own tree upon it, unseen by the others.
    is_root
        Whether this is root with all rights; else a namespace for users gives them.
    parents
        Where control groups can be made.
    """

    root: str
    is_root: bool
    parents: tuple[cgroups.Parent, ...]


def find_place(folder: Path) -> Place:
    """Return what sandboxes have here, in a private folder; remove what killed ones left."""
    root = folder / "root"
    root.mkdir(exist_ok=True)
    parents = cgroups.find_parents()
    cgroups.sweep(parents)
    return Place(str(root), walls.is_privileged(), parents)


@dataclass
class Sandbox:
    """One sandbox as its supervisor sees it.

    Parameters
    ----------
    order
        What was asked for.
    place
        Where it is built.
    pid
        Number of its first process, outside; 0 before there is one.
    killed_for
        Why the supervisor ended it, if it did.
    last_words, output_bytes
        What came past Python: the end of it, and how much.
    code
        Exit code of the student's process, once it has ended.
    relay
        Of a kernel.
    """

    order: Order
    place: Place
    pid: int = 0
    killed_for: str = ""
    last_words: bytes = b""
    output_bytes: int = 0
    code: int | None = None
    relay: Relay | None = field(default=None, repr=False)

    @property
    def walls(self) -> list[str]:
        """Names of the walls in force, for a report."""
        counted = cgroups.controls(self.order.group)
        return [
            *_OURS,
            "own user" if self.place.is_root else "own user namespace",
            f"memory limit {_LIMITED_BY['memory' in counted]}",
            f"process limit {_LIMITED_BY['pids' in counted]}",
            "processor time limit",
            "system call filter",
        ]

    def kill(self, reason: str) -> None:
        """End everything inside at once."""
        self.killed_for = self.killed_for or reason
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def supervise(client: socket.socket, place: Place) -> None:
    """Serve one client until its sandbox has ended; called in a process of its own."""
    gc.disable()  # a collection would touch, and so copy, pages shared with the zygote
    parent = os.getppid()
    walls.die_with_parent()
    if os.getppid() != parent:
        return
    os.setsid()
    data, descriptors, _, _ = socket.recv_fds(client, PACKET_BYTES, 1)
    if not data:
        return
    request = json.loads(data)
    limits = Limits(**request["limits"])
    group = cgroups.make(place.parents, f"{cgroups.PREFIX}{os.getpid()}", limits=limits)
    channel = descriptors[0] if descriptors else None
    order = Order(request, limits, channel, place.root, place.is_root, group)
    sandbox = Sandbox(order, place)
    try:
        _run(sandbox, client)
    except OSError as err:
        tell(client, error=str(err))
    finally:
        if sandbox.pid and sandbox.code is None:
            sandbox.kill("its supervisor failed")
            os.waitpid(sandbox.pid, 0)
        cgroups.remove(group)


def _run(sandbox: Sandbox, client: socket.socket) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    words, theirs_words = os.pipe()
    if sandbox.place.is_root:
        user, lock = walls.claim_user()
        sandbox.order = replace(sandbox.order, user=user, lock=lock)
    walls.separate(is_root=sandbox.place.is_root)
    walls.die_with_parent()  # again: a namespace for users may have undone it
    sandbox.pid = os.fork()
    if sandbox.pid == 0:
        client.close()
        ours.close()
        first.run(sandbox.order, theirs, words=theirs_words)
    theirs.close()
    os.close(theirs_words)
    if sandbox.order.channel is not None:
        os.close(sandbox.order.channel)  # its end is to be noticed at the other end
    _watch(sandbox, client, ours=ours, words=words)
    status = os.waitpid(sandbox.pid, 0)[1]
    if sandbox.code is None:
        sandbox.code = os.waitstatus_to_exitcode(status)
    _tidy(sandbox)
    _stop_reading(client)
    is_full = cgroups.is_out_of_memory(sandbox.order.group)
    tell(
        client,
        ended=sandbox.code,
        reason="memory" if is_full else sandbox.killed_for,
        last_words=sandbox.last_words.decode("utf-8", "replace"),
        cpu_s=cgroups.cpu_s(sandbox.order.group),
    )


def _stop_reading(client: socket.socket) -> None:
    """Let nothing unread be there when we close: it would take our last message back."""
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RD)
        while client.recv(PACKET_BYTES):
            pass


def _tidy(sandbox: Sandbox) -> None:
    """Remove a kernel's sockets, and their folder if nobody else is left to do it."""
    if sandbox.relay is not None:
        sandbox.relay.close()
        folder = Path(sandbox.order.request["task"]["sockets"][0]).parent
        is_ours = folder.parent == Path(sandbox.place.root).parent
        if sandbox.killed_for == CLIENT_GONE and is_ours:
            shutil.rmtree(folder, ignore_errors=True)


def _watch(sandbox: Sandbox, client: socket.socket, *, ours: socket.socket, words: int) -> None:
    """Pass messages on until nothing inside can send any more, and the last has been taken."""
    look_s = time.monotonic() + LOOK_S
    end_s = time.monotonic() + sandbox.order.limits.wall_s * MESSAGES
    with selectors.DefaultSelector() as selector:
        actions: dict[socket.socket | int, Callable[[], bool]] = {
            client: lambda: _from_client(sandbox, client),
            ours: lambda: _from_inside(sandbox, client, ours=ours, selector=selector),
            words: lambda: _from_words(sandbox, words),
        }
        for source, action in actions.items():
            selector.register(source, selectors.EVENT_READ, action)
        while ours in selector.get_map():
            _serve(sandbox, selector, wait_s=LOOK_S)
            if _has_flooded(sandbox):
                sandbox.kill("output")
            if time.monotonic() >= look_s:
                _look(sandbox, end_s)
                look_s = time.monotonic() + LOOK_S
        _drain(sandbox, words)
        end_s = time.monotonic() + LAST_WORDS_WITHIN_S
        while sandbox.relay is not None and not sandbox.relay.is_empty:
            if time.monotonic() > end_s or sandbox.killed_for:
                break
            _serve(sandbox, selector, wait_s=LAST_WORDS_WITHIN_S)


def _serve(sandbox: Sandbox, selector: selectors.BaseSelector, *, wait_s: float) -> None:
    """Wait for something to do, and do it; a source that has nothing more is left alone."""
    relay = sandbox.relay
    for key, events in selector.select(wait_s if relay is None else min(wait_s, relay.retry_s())):
        if isinstance(key.fileobj, socket.socket) and isinstance(key.data, Relay):
            key.data.serve(key.fileobj, events)
        elif not key.data():
            selector.unregister(key.fileobj)
    if relay is not None:
        relay.retry()


def _has_flooded(sandbox: Sandbox) -> bool:
    relayed = 0 if sandbox.relay is None else sandbox.relay.output_bytes
    return sandbox.output_bytes + relayed > sandbox.order.limits.output_bytes


def _look(sandbox: Sandbox, end_s: float) -> None:
    """End a sandbox that has run for too long; finer limits are its client's to watch."""
    if time.monotonic() > end_s:
        sandbox.kill("wall time")
    if (cgroups.cpu_s(sandbox.order.group) or 0.0) > sandbox.order.limits.cpu_s * MESSAGES:
        sandbox.kill("processor time")


def _from_client(sandbox: Sandbox, client: socket.socket) -> bool:
    try:
        data = client.recv(PACKET_BYTES)
    except OSError:
        data = b""
    if not data:
        sandbox.kill(CLIENT_GONE)
        return False
    number = int(json.loads(data)["signal"])
    if number == signal.SIGKILL:
        sandbox.kill("its client")
    else:
        with contextlib.suppress(ProcessLookupError):
            os.kill(sandbox.pid, number)
    return True


def _from_words(sandbox: Sandbox, words: int) -> bool:
    """Read what was written past Python: kept only as far as it explains a failed start."""
    data = os.read(words, 2**16)
    sandbox.output_bytes += len(data)
    sandbox.last_words = (sandbox.last_words + data)[-_LAST_WORDS_BYTES:]
    return bool(data)


def _drain(sandbox: Sandbox, words: int) -> None:
    """Read what is left when all who could write have ended."""
    os.set_blocking(words, False)
    with contextlib.suppress(BlockingIOError):
        while _from_words(sandbox, words):
            pass


def _from_inside(
    sandbox: Sandbox,
    client: socket.socket,
    *,
    ours: socket.socket,
    selector: selectors.BaseSelector,
) -> bool:
    """Act on a report of our own processes inside; False when they have ended."""
    data, descriptors, _, _ = socket.recv_fds(ours, PACKET_BYTES, 1)
    if not data:
        return False
    report = json.loads(data)
    if "folder" in report:
        listen = sandbox.order.request["task"]["sockets"]
        sandbox.relay = Relay(selector, descriptors[0], listen=listen)
    elif "ready" in report:
        tell(client, pid=sandbox.pid, walls=sandbox.walls, group=sandbox.order.group.folders)
    elif "error" in report:
        tell(client, error=report["error"])
    elif "ended" in report:
        sandbox.code = report["ended"]
    return True


def main(folder: str) -> int:
    """Start one empty sandbox in a private folder and write why it failed, if it did."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        try:
            ours.close()
            supervise(theirs, find_place(Path(folder)))
        except Exception as err:
            tell(theirs, error=f"{type(err).__name__}: {err}")
        finally:
            os._exit(0)
    theirs.close()
    task = {"kind": "probe", "code": ""}
    request = {"task": task, "limits": asdict(Limits()), "read_only": [], "hide": []}
    ours.send(json.dumps(request).encode())
    answer = json.loads(ours.recv(PACKET_BYTES) or b'{"error": "no answer"}')
    sys.stdout.write("" if "pid" in answer else str(answer.get("error", answer)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
