"""Processes are found by their mark, also those whose parent has gone; ports are asked, not hoped.

The guard must end them even after the notebook was killed by SIGKILL.
"""

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from labs.engine.errors import ExtraMissingError
from labs.federated_learning.flower import environment as ours

SLEEP = "import time; time.sleep(100)"
# Starts one more process and goes, so that the second has no parent that we know.
ORPHAN = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}])"
NOTEBOOK = """
import os, signal, subprocess, sys
from labs.federated_learning.flower import guard
guard.start(sys.argv[1], environment=dict(os.environ))
marked = {**os.environ, "COURSE_FEDERATION": sys.argv[1]}
subprocess.Popen([sys.executable, "-c", sys.argv[2]], env=marked, stdout=subprocess.DEVNULL)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def mark() -> Iterator[str]:
    mark = uuid.uuid4().hex
    yield mark
    ours.end_marked(mark)


def start(code: str, *, mark: str, home: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", code], env=ours.environment(home, mark=mark), start_new_session=True
    )


def wait_for(count: int, *, mark: str) -> list[psutil.Process]:
    end_s = time.monotonic() + 60
    while len(found := ours.marked(mark)) != count and time.monotonic() < end_s:
        time.sleep(0.1)
    return found


def test_ends_a_process_and_an_orphan(mark: str, tmp_path: Path) -> None:
    start(ORPHAN, mark=mark, home=tmp_path).wait(60)
    process = start(SLEEP, mark=mark, home=tmp_path)
    assert len(wait_for(2, mark=mark)) == 2
    assert ours.end_marked(mark) == 2
    assert ours.marked(mark) == []
    process.wait(10)
    assert ours.end_marked(mark) == 0


def test_leaves_others_alone(mark: str, tmp_path: Path) -> None:
    process = start(SLEEP, mark=mark, home=tmp_path)
    assert ours.end_marked(mark + "x") == 0
    assert process.poll() is None
    process.kill()
    process.wait(10)


def test_the_guard_ends_what_a_killed_notebook_left(mark: str) -> None:
    command = [sys.executable, "-c", NOTEBOOK, mark, SLEEP]
    notebook = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    assert notebook.wait(60) == -9
    assert wait_for(0, mark=mark) == []


def test_nothing_is_sent_or_installed(tmp_path: Path) -> None:
    made = ours.environment(tmp_path, mark="m")
    assert made["FLWR_TELEMETRY_ENABLED"] == made["RAY_USAGE_STATS_ENABLED"] == "0"
    assert made["FLWR_DISABLE_UPDATE_CHECK"] == "1"
    assert made["FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION"] == "1"
    assert made["FLWR_HOME"] == str(tmp_path)
    assert ours.MARK not in os.environ


def test_a_notebooks_wish_for_colours_is_not_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    found = ours.environment(tmp_path, mark="x")
    assert "FORCE_COLOR" not in found
    assert found["NO_COLOR"] == "1"


def test_ports() -> None:
    with socket.socket() as listener:
        listener.bind((ours.LOOPBACK, 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert ours.is_taken(port)
        assert ours.is_open(port)
    port = ours.free_port()
    assert not ours.is_taken(port)
    assert not ours.is_open(port)


def test_without_flower_one_line_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    from labs.engine import extras

    lacking = extras.Extra("federated", ("flwr",), ("flwr[simulation]<1.42,>=1.41",), 1, 1)
    monkeypatch.setattr(extras, "find_extra", lambda _: lacking)
    with pytest.raises(ExtraMissingError, match=r"federation of processes needs flwr") as caught:
        ours.require()
    assert "pip install" in str(caught.value)
    assert "\n" not in str(caught.value)
