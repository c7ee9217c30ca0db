"""Fixtures: a data set with its own cache and server, no network, a kernel, drawn intervals."""

import functools
import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from course_utils import data
from course_utils.errors import DataError

TEXT = b"It was the best of times, it was the worst of times.\n" * 400
Reply = Callable[[BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    """A server whose reply to each path is a function."""

    daemon_threads = True

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.asked: list[str] = []
        self.release = threading.Event()  # lets a reply that waits in the middle go on
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Serves what the test has put into the server."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path in self.server.replies:
            self.server.replies[self.path](self)
        else:
            self.send_error(404)

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


def sends(body: bytes, *, promised: int | None = None, chunk: int | None = None) -> Reply:
    """Return a reply with a body; `promised` bytes are announced, or nothing if negative."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        length = len(body) if promised is None else promised
        if length >= 0:
            handler.send_header("Content-Length", str(length))
        handler.end_headers()
        handler.wfile.write(body[:chunk])
        if chunk is not None:
            handler.wfile.flush()
            assert isinstance(handler.server, Server)
            handler.server.release.wait(60)
            handler.wfile.write(body[chunk:])

    return reply


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as each:
        thread = threading.Thread(target=each.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield each
        each.release.set()
        each.shutdown()
        thread.join()


def file_table(path: str, body: bytes, url: str, splits: str, *, also: bool = False) -> str:
    size_hash = f'size_bytes = {len(body)}\nsha256 = "{hashlib.sha256(body).hexdigest()}"\n'
    name = path.partition("/")[0]
    if also:
        return f'[[{name}.files.also]]\npath = "again/{Path(path).name}"\n{size_hash}'
    return f'[[{name}.files]]\npath = "{path}"\nurl = "{url}"\nsplits = {splits}\n{size_hash}'


def entry(name: str, reader: str, splits: str) -> str:
    return (
        f'[{name}]\ntitle = "t"\nlicence = "l"\nsource = "https://localhost/about"\n'
        f'citation = "c"\nreader = "{reader}"\nsplits = {splits}\n'
    )


class World:
    """A registry, a cache and a server of one test, with the data set ``toy``."""

    text = TEXT
    sends = staticmethod(sends)

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server, self.url = folder, server, server.url
        self.cache = folder / "cache"
        self.archives = folder / "archives"
        self.registry = folder / "datasets"
        self.registry.mkdir()
        self.archives.mkdir()
        self.write(entry("toy", "text", f"{{ train = {len(TEXT) - 102}, val = 100 }}"))
        self.add("toy/text.txt", TEXT, '["train", "val"]')

    def write(self, text: str) -> None:
        with (self.registry / "registry.toml").open("a", encoding="utf-8") as file:
            file.write(text)

    def add(self, path: str, body: bytes, splits: str) -> None:
        self.write(file_table(path, body, f"{self.url}/{path}", splits))

    def put(self, where: Path, body: bytes) -> Path:
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(body)
        return where

    def add_entry(self, name: str, reader: str, splits: str) -> None:
        self.write(entry(name, reader, splits))

    def add_form(self, path: str, body: bytes) -> None:
        self.write(file_table(path, body, "", "", also=True))

    @staticmethod
    def one_line(caught: pytest.ExceptionInfo[DataError]) -> str:
        text = str(caught.value)
        assert "\n" not in text
        return text

    def cached(self) -> list[str]:
        """Return every file in the cache, unfinished ones too."""
        return sorted(
            str(path.relative_to(self.cache)) for path in self.cache.rglob("*") if path.is_file()
        )


@pytest.fixture
def world(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, server)
    monkeypatch.setattr(data.registry, "registry_folder", lambda: made.registry)
    monkeypatch.setenv("COURSE_CACHE", str(made.cache))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("COURSE_DATA", raising=False)
    server.replies["/toy/text.txt"] = sends(TEXT)
    return made


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refuse connections, and fail at the end for an attempt, which a library may have hidden."""
    attempts: list[object] = []

    def refuse(*args: object, **kwargs: object) -> None:
        attempts.append(args)
        raise OSError("no network here")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yield
    assert attempts == []


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Pretend that a kernel is here; ``calls`` has each output and whether it rewrites another."""
    calls: list[tuple[object, str, bool]] = []

    def show(content: object, *, update: bool = False) -> SimpleNamespace:
        calls.append((content, repr(content), update))
        return SimpleNamespace(update=functools.partial(show, update=True))

    shell = SimpleNamespace(kernel=object(), user_ns={})
    monkeypatch.setattr("course_utils.widgets._shell", lambda: shell)
    monkeypatch.setattr("course_utils.widgets._display", show)
    for name in ("COURSE_STATIC", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    return SimpleNamespace(calls=calls, shell=shell)


@pytest.fixture
def error_bars() -> Callable[[Any], set[tuple[tuple[float, float], ...]]]:
    """Every drawn error bar of axes as ((x0, y0), (x1, y1)), zero-length ones left out."""

    def drawn(axes: Any) -> set[tuple[tuple[float, float], ...]]:
        segments = [
            segment
            for container in axes.containers
            for bars in (container.lines[2] if hasattr(container, "lines") else ())
            for segment in bars.get_segments()
        ]
        for bar in axes.containers:
            if getattr(bar, "errorbar", None) is not None:
                segments += [s for bars in bar.errorbar.lines[2] for s in bars.get_segments()]
        return {tuple(map(tuple, np.round(s, 6))) for s in segments if np.ptp(s, axis=0).any()}

    return drawn
