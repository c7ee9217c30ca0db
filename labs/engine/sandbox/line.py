"""The line from the grader to one process of student code; everything that arrives is hostile.

Every length is capped, every wait is limited, and nothing is kept that was not asked for. What
cannot go on raises `Stop`, and whoever uses the line then ends the process: no late or forged reply
can be taken for the answer to another message.

Processor time decides, counted over everything that runs inside, so that a crowded machine changes
nothing: it is looked at when a message has taken `FIRST_LOOK_S`, and what was used up to then is
free, so that short calls cost nothing to watch. Wall time is the backstop for code that waits for
ever. `labs.engine.sandbox.desk` knows what the messages mean.
"""

import contextlib
import select
import socket
import subprocess
import time

from labs.engine import codec
from labs.engine.sandbox import frames
from labs.engine.sandbox.cold import Cold
from labs.engine.sandbox.confine import Confined
from labs.engine.sandbox.limits import Limits
from labs.engine.student import Serve

Process = Confined | Cold
FIRST_LOOK_S = 0.5
ENDS_WITHIN_S = 10.0  # from a closed line to an ended process
MAX_CALLBACKS = 10_000  # in one call
_LEAST_PAUSE_S = 0.05
_PIECE_BYTES = 2**20
_ENDING_BYTES = 16 * 1024


class Stop(Exception):  # noqa: N818 - a way out of the middle of a message, not an error
    """Why a process cannot go on, as the end of a sentence about the function that ran.

    Parameters
    ----------
    name
        ``TimeoutError``, ``MemoryError``, ``ProcessEnded`` or ``Garbled``.
    message
        The end of the sentence.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name

    def again(self) -> "Stop":
        """Return what is said to who asks once more."""
        text = str(self)
        before = "was not called, because what ran before it "
        return Stop(self.name, text if text.startswith("was not called") else before + text)


class _Watch:
    """The limits of one message: waits for the line, and looks at the process now and then."""

    def __init__(self, channel: socket.socket, process: Process, limits: Limits) -> None:
        self._process, self._limits = process, limits
        self._channel = channel
        self._start_s = time.perf_counter()
        self._next_s = self._start_s + min(FIRST_LOOK_S, limits.wall_s)
        self._free_cpu_s: float | None = None

    def wait(self, event: int) -> None:
        """Return when the line can be read or written; raise `Stop` past a limit."""
        poller = select.poll()
        poller.register(self._channel, event)
        while True:
            if poller.poll(1000 * max(0.0, self._next_s - time.perf_counter())):
                return
            self.look()
            if self._process.poll() is not None and not poller.poll(0):
                raise _ended(self._process)  # though a child of it holds the line open

    def look(self) -> None:
        """Raise `Stop` past a limit, if it is time to look again."""
        if (now_s := time.perf_counter()) < self._next_s:
            return
        limits, used_s = self._limits, self._process.cpu_s()
        if self._free_cpu_s is None:
            self._free_cpu_s = used_s
        left_s = limits.cpu_s - (used_s - self._free_cpu_s)
        if left_s < 0:
            raise Stop(
                "TimeoutError",
                f"took more than {limits.cpu_s:g} s of processor time and was stopped",
            )
        wall_left_s = self._start_s + limits.wall_s - now_s
        if wall_left_s < 0:
            raise Stop(
                "TimeoutError", f"had not returned after {limits.wall_s:g} s and was stopped"
            )
        self._next_s = now_s + max(_LEAST_PAUSE_S, min(FIRST_LOOK_S, left_s, wall_left_s))


class Line:
    """A channel to a process, message by message; used by one thread at a time.

    Parameters
    ----------
    channel
        The grader's end; from now on the line's.
    process
        The process at the other end.
    limits
        For each message; may be changed in between.
    """

    def __init__(self, channel: socket.socket, process: Process, limits: Limits) -> None:
        channel.setblocking(False)
        self._channel, self._process, self.limits = channel, process, limits
        self._number = 0

    def ask(self, kind: bytes, payload: bytes, *, wanted: bytes, serve: Serve | None) -> bytes:
        """Send a message, serve the callbacks that come back meanwhile, return the reply.

        Parameters
        ----------
        kind, payload
            The message, as in `labs.engine.sandbox.frames`.
        wanted
            The kind of its reply.
        serve
            Answers a callback; without it none may come.

        Raises
        ------
        Stop
            If a limit is exceeded, the process ends, or anything else arrives.
        """
        self._number += 1
        watch = _Watch(self._channel, self._process, self.limits)
        self._send(kind, payload, watch)
        callbacks = callback_bytes = 0
        while True:
            watch.look()  # here too: who floods the line never makes us wait
            got, content = self._receive(watch)
            if got == wanted:
                return content
            if got != frames.CALLBACK or serve is None:
                raise Stop("Garbled", "sent what nobody had asked for and was stopped")
            callbacks += 1
            callback_bytes += len(content)
            if callbacks > MAX_CALLBACKS or callback_bytes > codec.MAX_BYTES:
                raise Stop(
                    "Garbled",
                    f"called back more than {MAX_CALLBACKS:,} times, or with more than "
                    f"{codec.MAX_BYTES:,} bytes in all, and was stopped",
                )
            self._send(frames.CALLBACK, serve(content), watch)

    def shut(self) -> None:
        """Wake who waits for the line."""
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the channel back."""
        self._channel.close()

    def _send(self, kind: bytes, payload: bytes, watch: _Watch) -> None:
        rest = memoryview(frames.pack(kind, payload, number=self._number))
        while rest:
            try:
                rest = rest[self._channel.send(rest) :]
            except BlockingIOError:
                watch.wait(select.POLLOUT)
            except OSError:
                raise self._broken() from None

    def _receive(self, watch: _Watch) -> tuple[bytes, bytes]:
        length, kind, number = frames.unpack(self._exactly(frames.HEADER.size, watch))
        limit = _ENDING_BYTES if kind == frames.DONE else codec.MAX_BYTES
        if length > limit or number != self._number:
            raise Stop("Garbled", "garbled its line to the check and was stopped")
        return kind, self._exactly(length, watch)

    def _exactly(self, size: int, watch: _Watch) -> bytes:
        content = bytearray()  # grows with what arrives, not with what was announced
        while len(content) < size:
            try:
                piece = self._channel.recv(min(size - len(content), _PIECE_BYTES))
            except BlockingIOError:
                watch.wait(select.POLLIN)
                continue
            except OSError:
                raise self._broken() from None
            if not piece:
                raise self._broken()
            content += piece
        return bytes(content)

    def _broken(self) -> Stop:
        """Return why the line broke: the process ended, or it closed the line."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDS_WITHIN_S)
        if self._process.poll() is not None:
            return _ended(self._process)
        return Stop("Garbled", "closed its line to the check and was stopped")


def _ended(process: Process) -> Stop:
    name = "MemoryError" if process.reason == "memory" else "ProcessEnded"
    return Stop(name, f"did not return: its process {process.ending()}")
