"""A way to ask what code behind the walls can do, and the reason where there are no walls."""

import dataclasses
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labs.engine.sandbox.confine import Confined, confine, walls_missing
from labs.engine.sandbox.limits import MIB, Limits

SMALL = Limits(
    memory_bytes=96 * MIB,
    processes=16,
    file_bytes=2 * MIB,
    scratch_bytes=8 * MIB,
    output_bytes=MIB,
)


@pytest.fixture(scope="session")
def walls() -> None:
    """Skip where walls are missing."""
    if (reason := walls_missing()) is not None:
        pytest.skip(f"no walls here: {reason}")


@dataclasses.dataclass
class Answer:
    """What code inside printed, and how its process ended."""

    text: str
    code: int
    confined: Confined


@pytest.fixture
def start(walls: None) -> Iterator[Callable[..., tuple[Confined, socket.socket]]]:
    """Start code inside; whatever still runs when the test is over is ended."""
    started: list[tuple[Confined, socket.socket]] = []

    def run(code: str, limits: Limits = SMALL, **options: Any) -> tuple[Confined, socket.socket]:
        ours, theirs = socket.socketpair()
        environment = options.pop("environment", {})
        task = {"kind": "probe", "code": code, "environment": environment}
        with theirs:
            confined = confine(task, limits=limits, channel=theirs, **options)
        ours.settimeout(180)
        started.append((confined, ours))
        return started[-1]

    yield run
    for confined, ours in started:
        ours.close()
        confined.kill()


@pytest.fixture
def ask(start: Callable[..., tuple[Confined, socket.socket]]) -> Callable[..., Answer]:
    """Run code inside and return what it printed, as text."""

    def run(code: str, limits: Limits = SMALL, **options: Any) -> Answer:
        confined, channel = start(code, limits, **options)
        text = b""
        while part := channel.recv(2**16):
            text += part
        return Answer(text.decode().strip(), confined.wait(30), confined)

    return run


@pytest.fixture
def project() -> Path:
    """The folder that holds `labs` as the running code sees it."""
    return Path(__file__).parents[4]
