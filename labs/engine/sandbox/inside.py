"""The inside of a desk: runs the cells of a notebook and answers requests, where student code is.

`serve` is the whole life of one process of student code. It knows no expected value, no verdict and
no file of the grader's, and nothing that it sends is believed: student code shares the process and
may do with it what it likes. What it does for honest code is done here: names are taken away for
good before anything else runs, cells run in IPython (magics and ``await`` work, nothing is printed,
``sys.exit`` is an error like any other), random numbers start from a fixed seed, torch has one
thread. `labs.engine.sandbox.desk` is the other end, and alone knows limits.
"""

import importlib
import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from labs.engine import codec
from labs.engine.endpoint import Endpoint, describe
from labs.engine.sandbox import frames, seccomp
from labs.engine.withhold import withhold

SEED = 0


def serve(channel: socket.socket, task: Mapping[str, Any]) -> None:  # noqa: ARG001 - for every kind
    """Answer the desk's messages until it closes the channel.

    Parameters
    ----------
    channel
        Connected to the desk.
    task
        What the process was started for; a desk sends everything it wants as messages.
    """
    _silence()
    line, room, process = _Line(channel), _Room(), os.getpid()
    while (message := line.receive()) is not None:
        kind, number, payload = message
        reply = room.answer(kind, payload, exchange=_Callbacks(line, number))
        if os.getpid() != process:  # a child that student code forked and that came back to here
            os._exit(0)
        line.send(*reply, number=number)


def _silence() -> None:
    """Let nothing be read from the terminal or written to it."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    if null > 2:
        os.close(null)


class _Line:
    """The channel as frames."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def send(self, kind: bytes, payload: bytes, *, number: int) -> None:
        self._channel.sendall(frames.pack(kind, payload, number=number))

    def receive(self) -> tuple[bytes, int, bytes] | None:
        """Return kind, number and payload of the next frame, or None when the desk has gone."""
        if (header := self._exactly(frames.HEADER.size)) is None:
            return None
        length, kind, number = frames.unpack(header)
        payload = self._exactly(length)
        return None if payload is None else (kind, number, payload)

    def _exactly(self, size: int) -> bytes | None:
        content = bytearray()
        while len(content) < size:
            try:
                piece = self._channel.recv(size - len(content))
            except ConnectionError:
                return None
            if not piece:
                return None
            content += piece
        return bytes(content)


class _Callbacks:
    """Asks the check, on behalf of the message with one number."""

    def __init__(self, line: _Line, number: int) -> None:
        self._line, self._number = line, number

    def __call__(self, question: bytes) -> bytes:
        self._line.send(frames.CALLBACK, question, number=self._number)
        answer = self._line.receive()
        if answer is None or answer[:2] != (frames.CALLBACK, self._number):
            raise ConnectionError("the check does not answer any more")
        return answer[2]


class _Room:
    """The namespace of one notebook, and the endpoint that answers for it."""

    def __init__(self) -> None:
        self._shell = _shell()
        self._endpoint = Endpoint(self._shell.user_ns)
        self._unseeded = {"random", "numpy", "torch"}

    def answer(self, kind: bytes, payload: bytes, *, exchange: _Callbacks) -> tuple[bytes, bytes]:
        """Return kind and payload of the reply to a message."""
        try:
            if kind == frames.REQUEST:
                return frames.ANSWER, self._endpoint.handle(payload, exchange)
            return frames.DONE, _ending(self._do(kind, payload))
        except BaseException as err:  # a KeyboardInterrupt, too, is what student code raised
            if kind == frames.REQUEST:
                return frames.ANSWER, codec.encode({"error": describe(err)})
            return frames.DONE, _ending(err)

    def _do(self, kind: bytes, payload: bytes) -> BaseException | None:
        if kind == frames.WITHHOLD:
            names = json.loads(payload)
            withhold(names)
            if names:
                _forbid_programs()
        elif kind == frames.NEW:
            self._endpoint = Endpoint(self._shell.user_ns)
            self._seed()  # functions of ours answer where no cell has run
        elif kind == frames.RUN:
            return self._run(payload.decode("utf-8", "surrogatepass"))
        return None

    def _run(self, code: str) -> BaseException | None:
        self._seed()
        result = self._shell.run_cell(code, store_history=False, silent=True)
        self._seed()  # a cell may have imported torch
        error: BaseException | None = result.error_before_exec or result.error_in_exec
        return error

    def _seed(self) -> None:
        """Start the random numbers of the modules that are loaded by now."""
        for name in self._unseeded & set(sys.modules):
            self._unseeded.discard(name)
            _start_random_numbers(sys.modules[name])


def _forbid_programs() -> None:
    """Let no fresh program start, which would have all that was taken away here."""
    if _is_walled():
        seccomp.forbid_programs()


def _is_walled() -> bool:
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return False
    # A container has a filter, too, but lets nobody without rights put on another.
    return "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status


def _ending(err: BaseException | None) -> bytes:
    return json.dumps({"error": None if err is None else describe(err)}).encode()


def _shell() -> Any:
    """Return the shell that was made before the fork, or a new one; it prints nothing."""
    # Only this process needs IPython; behind walls it was imported before the fork.
    kind = importlib.import_module("IPython.core.interactiveshell").InteractiveShell
    if kind.initialized():
        shell = kind.instance()
    else:
        config = importlib.import_module("traitlets.config").Config()
        config.HistoryManager.enabled = False
        shell = kind.instance(config=config)
    for tell in ("showtraceback", "showsyntaxerror", "showindentationerror"):
        setattr(shell, tell, lambda *_, **__: None)
    shell.ask_exit = _leave  # what `exit` and `quit` call
    shell.enable_gui = _no_window  # what `%matplotlib inline` calls; a plain shell raises here
    return shell


def _leave() -> NoReturn:
    raise SystemExit


def _no_window(gui: str | None = None) -> None:
    """Open no window: a desk has none to open."""


def _start_random_numbers(module: Any) -> None:
    if module.__name__ == "torch":
        module.default_generator.manual_seed(SEED)
        module.set_num_threads(1)
    else:
        (module.random if module.__name__ == "numpy" else module).seed(SEED)
