"""Carries bytes between a client and a kernel behind walls, and counts what the kernel sends.

Both use unix sockets, each in a folder of its own, so that neither sees the other's files; the
kernel's are reached through a descriptor of its folder. The bytes are not read: whatever a kernel
sends, counting them is enough to stop a flood. Each side is read only as fast as the other takes.
"""

import contextlib
import os
import selectors
import socket
import stat
from collections.abc import Sequence
from pathlib import Path

HELD_BYTES = 2**18  # read from one side and not yet taken by the other
READ_BYTES = 2**16
RETRY_S = 0.01  # until the kernel has made its sockets
NEVER_S = 3600.0


class Link:
    """One connection of a client, and the one of ours to the kernel that belongs to it.

    Parameters
    ----------
    client
        The accepted connection.
    name
        File name of the kernel's socket.
    """

    def __init__(self, client: socket.socket, name: str) -> None:
        self.name = name
        self.sides = [client]
        self.held = {client: bytearray()}  # to be sent to this side
        self.is_ending = False

    def other(self, side: socket.socket) -> socket.socket:
        """Return the opposite side."""
        return self.sides[1 - self.sides.index(side)]


class Relay:
    """All connections between one client and one kernel.

    Parameters
    ----------
    selector
        Where the sockets are registered, with this object as their data.
    folder
        Descriptor of the folder in which the kernel makes its sockets; closed by `close`.
    listen
        Where the client connects to; the kernel's sockets have the same file names.
    """

    def __init__(
        self, selector: selectors.BaseSelector, folder: int, *, listen: Sequence[str]
    ) -> None:
        self.output_bytes = 0
        self._selector = selector
        self._folder = folder
        self._names: dict[socket.socket, str] = {}
        self._links: dict[socket.socket, Link] = {}
        self._waiting: list[Link] = []
        for path in listen:
            self._listen(path)

    def _listen(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            Path(path).unlink()  # of the kernel before a restart
        listener = socket.socket(socket.AF_UNIX)
        listener.setblocking(False)
        listener.bind(path)
        listener.listen()
        self._names[listener] = Path(path).name
        self._selector.register(listener, selectors.EVENT_READ, self)

    def serve(self, side: socket.socket, events: int) -> None:
        """Do what can be done at a socket that the selector has named."""
        if side in self._names:
            with contextlib.suppress(OSError):  # the client has gone again
                self._accept(side)
        elif (link := self._links.get(side)) is not None:
            if events & selectors.EVENT_WRITE:
                self._send(link, side)
            if events & selectors.EVENT_READ and not link.is_ending:
                self._receive(link, side)
            self._settle(link)

    def _accept(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        client.setblocking(False)
        self._waiting.append(Link(client, self._names[listener]))
        self.retry()

    @property
    def is_empty(self) -> bool:
        """Whether no connection is open between a client and the kernel."""
        return not self._links

    def retry_s(self) -> float:
        """Return how soon `retry` should be called [s]."""
        return RETRY_S if self._waiting else NEVER_S

    def retry(self) -> None:
        """Connect waiting clients to sockets that the kernel may have made meanwhile."""
        for link in list(self._waiting):
            if (inside := self._connect(link.name)) is not None:
                self._waiting.remove(link)
                link.sides.append(inside)
                link.held[inside] = bytearray()
                for side in link.sides:
                    self._links[side] = link
                    self._selector.register(side, selectors.EVENT_READ, self)

    def _connect(self, name: str) -> socket.socket | None:
        """Connect to a socket of the kernel; never through a link, which could lead outside."""
        try:
            found = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._folder)
        except OSError:
            return None
        inside = socket.socket(socket.AF_UNIX)
        inside.setblocking(False)
        try:
            if stat.S_ISSOCK(os.fstat(found).st_mode):
                inside.connect(f"/proc/self/fd/{found}")
                return inside
        except OSError:  # made, but nobody listens yet
            pass
        finally:
            os.close(found)
        inside.close()
        return None

    def _receive(self, link: Link, side: socket.socket) -> None:
        try:
            data = side.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        target = link.other(side)
        if side is link.sides[1]:
            self.output_bytes += len(data)
        link.held[target] += data
        link.is_ending = not data
        self._send(link, target)

    def _send(self, link: Link, side: socket.socket) -> None:
        held = link.held[side]
        try:
            if held:
                del held[: side.send(held)]
        except BlockingIOError:
            return
        except OSError:  # nobody takes it any more
            held.clear()
            link.is_ending = True

    def _settle(self, link: Link) -> None:
        """Ask the selector for what each side now waits for; close what has come to its end."""
        if link.is_ending and not any(link.held.values()):
            self._close_link(link)
            return
        for side in link.sides:
            is_full = len(link.held[link.other(side)]) >= HELD_BYTES
            events = 0 if is_full or link.is_ending else selectors.EVENT_READ
            events |= selectors.EVENT_WRITE if link.held[side] else 0
            self._watch(side, events)

    def _watch(self, side: socket.socket, events: int) -> None:
        is_watched = side in (self._selector.get_map() or ())  # none: the selector is closed
        if not events:
            if is_watched:
                self._selector.unregister(side)
        elif is_watched:
            self._selector.modify(side, events, self)
        else:
            self._selector.register(side, events, self)

    def _close_link(self, link: Link) -> None:
        for side in link.sides:
            self._watch(side, 0)
            self._links.pop(side, None)
            side.close()

    def close(self) -> None:
        """Close everything, and remove the files that clients connected to."""
        for link in {*self._links.values(), *self._waiting}:
            self._close_link(link)
        for listener in self._names:
            with contextlib.suppress(OSError):
                Path(listener.getsockname()).unlink()
            self._watch(listener, 0)
            listener.close()
        os.close(self._folder)
