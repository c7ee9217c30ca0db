"""One process of student code and the line to it, from the grader's side.

A desk runs cells and asks the student's functions (`Desk.student`, for `labs.engine.checks.judge`).
It believes nothing that comes back: what arrives is data for the check, or the line breaks and the
desk is stopped (`labs.engine.sandbox.line`). A stopped desk answers nothing any more. That a limit
is exceeded or the process ends costs the exercise whose desk it is, in words that a student
understands. This module judges nothing; `labs.engine.sandbox.confine` builds the walls.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from labs.engine import codec
from labs.engine.endpoint import MESSAGE_CHARACTERS
from labs.engine.errors import ExchangeError, LabFormatError, SandboxError
from labs.engine.sandbox import frames
from labs.engine.sandbox.cold import Cold
from labs.engine.sandbox.confine import confine
from labs.engine.sandbox.limits import Limits
from labs.engine.sandbox.line import ENDS_WITHIN_S, Line, Process, Stop
from labs.engine.student import Serve, Student, StudentError
from labs.engine.withhold import hidden_files

_TO_SET_UP = Limits(cpu_s=60.0, wall_s=300.0)  # a cold Python on a busy machine


class StoppedError(StudentError):
    """Student code did not return: a limit was exceeded, its process ended, or its line broke.

    Parameters
    ----------
    what
        The function, or what else was asked for.
    name
        ``TimeoutError``, ``MemoryError``, ``ProcessEnded`` or ``Garbled``.
    message
        What happened, to follow `what` in a sentence.
    """

    def __init__(self, what: str, name: str, message: str) -> None:
        super().__init__(what, name, message)
        self.args = (f"{what} {message}",)


@dataclass(frozen=True)
class CellEnding:
    """How a cell ended.

    Parameters
    ----------
    is_ok
        Whether it ran to its end.
    is_alive
        Whether the desk can run more.
    name, message, line
        Class, text and line of the error, or the name of what stopped it; empty if `is_ok`.
    """

    is_ok: bool
    is_alive: bool
    name: str = ""
    message: str = ""
    line: str = ""


class Desk:
    """A process of student code, as a context manager; used by one thread at a time.

    Parameters
    ----------
    limits
        For each cell and each call, and for the process.
    withhold
        Names that are taken away for good before anything runs; the files of our own modules among
        them are hidden.
    hide
        More files that are not there inside.
    preload
        Modules that are imported before the process is forked.
    cold
        True starts a Python without walls, for submissions that are trusted.

    Raises
    ------
    SandboxError
        If no such process can be made here.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        withhold: Iterable[str] = (),
        hide: Sequence[Path] = (),
        preload: Sequence[str] = (),
        cold: bool = False,
    ) -> None:
        names = list(withhold)
        limits = limits or Limits()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process: Process = (
                    Cold(theirs, limits=limits, preload=preload)
                    if cold
                    else confine(
                        {"kind": "desk"},
                        limits=limits,
                        hide=(*hide, *hidden_files(names)),
                        channel=theirs,
                        preload=preload,
                    )
                )
        except BaseException:
            ours.close()
            raise
        self.walls = self._process.walls
        self._line = Line(ours, self._process, _TO_SET_UP)
        self._stopped: Stop | None = None
        self._busy = threading.Lock()
        self._set_up(names)
        self._line.limits = limits

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def is_alive(self) -> bool:
        """Whether it can still be asked."""
        return self._stopped is None and self._process.poll() is None

    def run_cell(self, code: str) -> CellEnding:
        """Run a cell of the notebook; whatever the student's code does is in what is returned."""
        try:
            content = code.encode("utf-8", "surrogatepass")
            reply = self._ask(frames.RUN, content, wanted=frames.DONE)
            error = _read_ending(reply)
        except ExchangeError as err:
            return CellEnding(is_ok=False, is_alive=self.is_alive, name="Garbled", message=str(err))
        except Stop as stop:
            return CellEnding(is_ok=False, is_alive=False, name=stop.name, message=str(stop))
        return CellEnding(is_ok=not error, is_alive=True, **error)

    def student(self, *, rank: Callable[[], Student] | None = None) -> Student:
        """Return the student's functions with a fresh state, no results kept from before.

        Parameters
        ----------
        rank
            Makes a further rank, on a desk of its own.
        """
        with contextlib.suppress(Stop):  # the first call says so
            self._ask(frames.NEW, b"", wanted=frames.DONE)
        return Student(self._request, rank=rank)

    def close(self) -> None:
        """End the process and everything that it started."""
        self._stopped = self._stopped or Stop("ProcessEnded", "was not called: its desk is closed")
        self._process.kill()
        self._line.shut()
        # A thread that still waits for this desk wakes up and fails; then nobody uses the line.
        if self._busy.acquire(timeout=ENDS_WITHIN_S):
            self._line.close()
            self._busy.release()

    def _set_up(self, names: Sequence[str]) -> None:
        try:
            reply = self._ask(frames.WITHHOLD, json.dumps(names).encode(), wanted=frames.DONE)
            error = _read_ending(reply)
        except Stop as stop:
            self.close()
            raise SandboxError(f"a process for student code did not start: it {stop}") from stop
        if error:
            self.close()
            raise LabFormatError(f"names could not be withheld: {error['message']}")

    def _request(self, message: bytes, serve: Serve) -> bytes:
        try:
            return self._ask(frames.REQUEST, message, wanted=frames.ANSWER, serve=serve)
        except Stop as stop:
            raise StoppedError(_name_of(message), stop.name, str(stop)) from None

    def _ask(
        self, kind: bytes, payload: bytes, *, wanted: bytes, serve: Serve | None = None
    ) -> bytes:
        """Return the reply to a message, or end the process and raise `Stop`."""
        with self._busy:
            if self._stopped is not None:
                raise self._stopped.again()
            frames.check(payload)
            try:
                return self._line.ask(kind, payload, wanted=wanted, serve=serve)
            except Stop as stop:
                self._stopped = self._stopped or stop
                self._process.kill()
                raise
            except BaseException:  # an error of the grader's, in the middle of a message
                self._stopped = Stop("ProcessEnded", "was stopped with the grader")
                self._process.kill()
                raise


def _read_ending(content: bytes) -> dict[str, str]:
    """Return the error in the reply to a cell, or nothing; raise `ExchangeError` if it is no reply.

    Examples
    --------
    >>> _read_ending(b'{"error": null}')
    {}
    """
    try:
        reply = json.loads(content)
    except (ValueError, RecursionError) as err:
        raise ExchangeError("the reply to a cell cannot be read") from err
    if reply == {"error": None}:
        return {}
    match reply:
        case {"error": {"name": str(name), "message": str(message), "line": str(line)}}:
            texts = {"name": name, "message": message, "line": line}
            return {key: _plain(text) for key, text in texts.items()}
    raise ExchangeError("the reply to a cell is neither an end nor an error")


def _plain(text: str) -> str:
    return text[:MESSAGE_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _name_of(message: bytes) -> str:
    """Return what a request of ours calls, for a message about it."""
    request: dict[str, Any] = codec.decode(message, special=lambda tag, _: tag)
    called = request["call"] if request["call"] != "handle" else "an object of yours"
    return f"{called}.{request['method']}" if request["method"] else str(called)
