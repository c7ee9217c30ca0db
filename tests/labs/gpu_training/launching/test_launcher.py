"""Launching functions as they stand in cells, and what is left when one goes wrong.

Real ranks run in a few cases that share what they cost; elsewhere a small program stands in for the
agent.
"""

import json
import linecache
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from labs.gpu_training.launching import agent, launcher
from labs.gpu_training.launching.errors import (
    LaunchError,
    LaunchTimeoutError,
    PortTakenError,
    RankError,
    WorldSizeError,
)
from labs.gpu_training.launching.launcher import choose_backend, launch

CELL = "/tmp/ipykernel_1/2345.py"
WITHIN_S = 60.0  # a far backstop
WORK = """
import torch
import numpy as np
from torch import distributed as dist

def total(values):
    print("adding", values, flush=True)
    summed = torch.tensor(values) * (1 + dist.get_rank())
    dist.all_reduce(summed)
    return {"sum": summed, "rank": dist.get_rank(), "mean": np.float64(np.mean(values))}

def broken(how):
    import os, signal, time
    if dist.get_rank() == 1 and how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if dist.get_rank() == 1 and how == "asked to end":
        print("in step 7")
        os.kill(os.getpid(), signal.SIGTERM)
    if how == "raises":
        raise ValueError("the loss is not finite")
    if how == "sleeps":
        time.sleep(1000)
    dist.all_reduce(torch.ones(1))
"""


def in_cell(name: str) -> Callable[..., Any]:
    """A function as IPython makes it: in ``__main__``, its lines in linecache, no file."""
    linecache.cache[CELL] = (len(WORK), None, WORK.splitlines(keepends=True), CELL)
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(WORK, CELL, "exec"), names)
    return names[name]  # type: ignore[no-any-return]


def processes_that_name(folder: Path) -> list[psutil.Process]:
    """The processes that have a folder below this one on their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(str(folder) in word for word in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_until(is_so: Callable[[], object]) -> bool:
    """Whether something became true in time."""
    until_s = time.monotonic() + WITHIN_S
    while time.monotonic() < until_s:
        if is_so():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """After each test no process and no folder of a launch is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    assert list(folder.glob("*")) == []
    assert processes_that_name(folder) == []


def test_results_logs_and_backend_of_a_function_in_a_cell():
    launched = launch(in_cell("total"), world_size=2, arguments={"values": [1.0, 2.5]})
    assert [result["rank"] for result in launched.results] == [0, 1]
    for result in launched.results:
        assert torch.equal(result["sum"], torch.tensor([3.0, 7.5]))
        assert result["mean"] == 1.75
    assert launched.logs == ["adding [1.0, 2.5]\n"] * 2  # and nothing of gloo's or torchrun's
    assert launched.backend == choose_backend(2)
    assert launched.duration_s > 0


def test_a_killed_rank_is_named_though_the_other_one_waits():
    with pytest.raises(RankError, match="rank 1 was killed by SIGKILL") as caught:
        launch(in_cell("broken"), world_size=2, arguments={"how": "killed"}, timeout_s=600)
    assert caught.value.rank == 1
    assert "memory" in str(caught.value)
    assert not caught.value.traceback


def test_a_rank_that_was_asked_to_end_is_named_with_what_it_printed(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    said = "rank 1 was killed by SIGTERM. The end of what it wrote:\nin step 7"
    with pytest.raises(RankError, match=said):
        launch(in_cell("broken"), world_size=2, arguments={"how": "asked to end"})


def test_ranks_that_the_agent_ended_are_no_cause():
    assert agent._by_themselves({0: 1, 1: -signal.SIGTERM}) == {0: 1}
    assert agent._by_themselves({1: -signal.SIGTERM}) == {1: -signal.SIGTERM}


def test_an_error_shows_the_line_of_the_cell():
    with pytest.raises(RankError, match="rank 0 raised ValueError: the loss is not") as caught:
        launch(in_cell("broken"), world_size=1, arguments={"how": "raises"})
    assert 'raise ValueError("the loss is not finite")' in caught.value.traceback
    assert "launching" not in caught.value.traceback  # the student's frames alone


def test_a_hanging_rank_says_where_it_stands():
    place = re.escape("in line 22 of broken (`time.sleep(1000)`)")
    with pytest.raises(LaunchTimeoutError, match=f"no end after 0.5 s: rank 0 stood {place}"):
        launch(in_cell("broken"), world_size=1, arguments={"how": "sleeps"}, timeout_s=0.5)


def test_a_killed_notebook_leaves_nothing(nothing_left: Path):
    code = "import time\nfrom labs.gpu_training.launching.launcher import launch\n"
    code += "launch(time.sleep, world_size=1, arguments={})\n"
    code = code.replace("time.sleep,", "lambda: time.sleep(1000),")
    notebook = subprocess.Popen([sys.executable, "-c", code])
    assert wait_until(lambda: list(nothing_left.glob("*/stand-0.txt")))
    notebook.send_signal(signal.SIGKILL)
    notebook.wait()
    assert wait_until(lambda: not list(nothing_left.glob("*")))
    assert wait_until(lambda: not processes_that_name(nothing_left))


@pytest.mark.parametrize("number", [0, -1, 10**6, True, 1.5])
def test_a_wrong_number_of_ranks(number):
    with pytest.raises(WorldSizeError, match=f"world_size is {number}; this machine holds 1 to"):
        launch(print, world_size=number)


def test_a_port_in_use():
    with socket.socket() as other:
        other.bind(("localhost", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"port {port} is in use"):
            launch(print, world_size=1, port=port)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_does_not_exist(port):
    with pytest.raises(LaunchError, match=f"port is {port}; give one up to 65535"):
        launch(print, world_size=1, port=port)


@pytest.mark.parametrize("timeout_s", [0, -1.0, float("nan")])
def test_a_time_that_is_none(timeout_s):
    with pytest.raises(LaunchError, match="give seconds > 0"):
        launch(print, world_size=1, timeout_s=timeout_s)


def test_a_function_that_cannot_travel():
    lock = threading.Lock()

    def guarded() -> bool:
        return lock.locked()

    with pytest.raises(LaunchError, match=r"guarded cannot travel .*lock.*Make inside"):
        launch(guarded, world_size=1)


def test_no_place_for_files(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))
    with pytest.raises(LaunchError, match=r"cannot be written.*set TMPDIR"):
        launch(print, world_size=1)


def test_a_full_disk(monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(LaunchError, match="No space left on device; free space"):
        launch(print, world_size=1)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a small program in the place of the agent; it gets the folder as ``folder``."""

    def put(code: str) -> None:
        begin = "import json, pathlib, sys, time\nfolder = pathlib.Path(sys.argv[1])\n"
        (tmp_path / "agent_stand_in.py").write_text(begin + code, encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
        monkeypatch.setattr(launcher, "AGENT", "agent_stand_in")

    return put


def test_ctrl_c_ends_the_agent(stand_in, nothing_left):
    stand_in("(folder / 'started').touch()\ntime.sleep(1000)\n")

    def interrupt() -> None:
        wait_until(lambda: list(nothing_left.glob("*/started")))
        signal.raise_signal(signal.SIGINT)

    ctrl_c = threading.Thread(target=interrupt)
    ctrl_c.start()
    with pytest.raises(KeyboardInterrupt):
        launch(print, world_size=1)
    ctrl_c.join()


def test_an_agent_that_cannot_start(stand_in):
    stand_in("sys.exit('no network of its own')\n")
    with pytest.raises(LaunchError, match=r"could not be started; .* no network of its own"):
        launch(print, world_size=1)


def test_ranks_that_never_begin(stand_in, monkeypatch):
    monkeypatch.setattr(launcher, "START_WITHIN_S", 0.1)
    stand_in("time.sleep(1000)\n")
    with pytest.raises(LaunchTimeoutError, match="rank 0 had not started; rank 1 had not"):
        launch(print, world_size=2, timeout_s=0.1)


def test_a_rank_that_does_not_say_where_it_stands_is_not_waited_for(stand_in, monkeypatch):
    monkeypatch.setattr(launcher, "TELL_WITHIN_S", 0.2)
    stand_in(
        "frame = 'Thread 0x1 (most recent call first):\\n  File \"<x>\", line 7 in train\\n'\n"
        "(folder / 'stand-0.txt').write_text(frame)\n(folder / 'stand-1.txt').touch()\n"
        "time.sleep(1000)\n"
    )
    with pytest.raises(LaunchTimeoutError, match="rank 0 stood in line 7 of train; rank 1 stood s"):
        launch(print, world_size=2, timeout_s=500)


def test_one_thread_unless_said_otherwise(stand_in, monkeypatch):
    said = "os.environ.get('OMP_NUM_THREADS')"
    stand_in(f"import os\nsys.exit('threads ' + {said} + ', ' + os.environ['PYTHONPATH'])\n")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with pytest.raises(LaunchError, match="threads 1, ") as caught:
        launch(print, world_size=1)
    assert str(Path(launcher.__file__).parents[3]) in str(caught.value)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with pytest.raises(LaunchError, match="threads 3, "):
        launch(print, world_size=1)


def test_what_the_agent_is_told(stand_in):
    stand_in("sys.exit((folder / 'agent.json').read_text() + (folder / 'job.json').read_text())\n")
    with pytest.raises(LaunchError) as caught:
        launch(print, world_size=2, timeout_s=5, threads=3)
    told = [json.loads(text) for text in re.findall(r"{.*?}", str(caught.value))]
    assert told[0].pop("run_id")
    assert told[0] == {"world_size": 2, "port": 0, "backend": "gloo"}
    assert told[1] == {"timeout_s": 5, "backend": choose_backend(2), "threads": 3}


def test_ranks_that_are_programs_as_on_gpus(stand_in):
    stand_in(
        "sys.platform = 'elsewhere'  # where processes are not copied\n"
        "from labs.gpu_training.launching import agent\nsys.exit(agent.main(folder))\n"
    )
    launched = launch(in_cell("total"), world_size=2, arguments={"values": [2.0]})
    assert [result["mean"] for result in launched.results] == [2.0, 2.0]
    with pytest.raises(RankError, match="rank 1 was killed by SIGKILL"):
        launch(in_cell("broken"), world_size=2, arguments={"how": "killed"})


@pytest.mark.gpu
def test_gpus_are_used_where_each_rank_has_one():
    ranks = min(torch.cuda.device_count(), 2)
    launched = launch(in_cell("total"), world_size=ranks, arguments={"values": [1.0]})
    assert launched.backend == "nccl"


@pytest.mark.parametrize(
    "lacks", ["torch.cuda.is_available", "torch.distributed.is_nccl_available"]
)
def test_gpus_that_nccl_cannot_use_are_left_alone(lacks: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.distributed.is_nccl_available", lambda: True)
    assert [choose_backend(ranks) for ranks in (1, 2, 3)] == ["nccl", "nccl", "gloo"]
    monkeypatch.setattr(lacks, lambda: False)
    assert choose_backend(2) == "gloo"
