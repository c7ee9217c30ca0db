"""What torchrun's agent is told, what it writes, and how it ends with its launcher."""

import json
import os
import signal
import sys
import threading
from types import SimpleNamespace

import pytest
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

from labs.engine import processes
from labs.gpu_training.launching import agent

TASK = {"world_size": 3, "backend": "nccl", "port": 29511, "run_id": "a run"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A launch's folder; the launcher stays alive."""
    (tmp_path / "agent.json").write_text(json.dumps(TASK), encoding="utf-8")
    monkeypatch.setattr(agent, "_end_with_launcher", lambda *_: None)
    monkeypatch.setattr(agent.logging, "disable", lambda _: None)
    return tmp_path


def stand_in(monkeypatch, *, failures):
    """Put a function in the place of torchrun's that ends the ranks so; return its calls."""
    calls = []

    def launch(config, program):
        def start(*words):
            calls.append((config, program, words))
            if failures:
                error = ChildFailedError.__new__(ChildFailedError)
                error.failures = failures
                raise error

        return start

    monkeypatch.setattr(agent, "elastic_launch", launch)
    return calls


def test_ranks_that_end_well_leave_no_failure(folder, monkeypatch):
    calls = stand_in(monkeypatch, failures={})
    assert agent.main(folder) == 0
    ((config, _, words),) = calls
    assert json.loads((folder / "outcome.json").read_text()) == {}
    assert words[:4] == ("-u", "-m", agent.RANK, str(folder))
    assert config.nproc_per_node == 3


@pytest.mark.skipif(sys.platform != "linux", reason="copies of the agent are made on Linux alone")
def test_ranks_without_a_gpu_are_copies(folder, monkeypatch):
    (folder / "agent.json").write_text(json.dumps(TASK | {"backend": "gloo"}), encoding="utf-8")
    calls = stand_in(monkeypatch, failures={})
    assert agent.main(folder) == 0
    ((config, program, words),) = calls
    assert (program, words) == (agent._copy, (str(folder),))
    assert config.start_method == "fork"


def test_failed_ranks_are_written_down(folder, monkeypatch):
    failed = {1: SimpleNamespace(exitcode=-9), 2: SimpleNamespace(exitcode=-signal.SIGTERM)}
    stand_in(monkeypatch, failures=failed)
    assert agent.main(folder) == 1  # and not the one that the agent itself ended
    assert json.loads((folder / "outcome.json").read_text()) == {"1": -9}


def test_what_a_copy_noted_counts(folder, monkeypatch):
    (folder / "ended-2.json").write_text("-11", encoding="utf-8")
    stand_in(monkeypatch, failures={0: SimpleNamespace(exitcode=1)})
    assert agent.main(folder) == 1
    assert json.loads((folder / "outcome.json").read_text()) == {"0": 1, "2": -11}


def test_torchrun_meets_on_this_machine_and_never_restarts(tmp_path):
    config = agent._config(TASK, tmp_path)
    assert (config.min_nodes, config.max_nodes, config.max_restarts) == (1, 1, 0)
    assert config.rdzv_endpoint == "localhost:29511"
    assert config.run_id == "a run"


def test_without_its_launcher_it_ends_its_ranks_and_removes_the_folder(tmp_path, monkeypatch):
    done = []
    end, launcher = os.pipe()
    os.close(launcher)  # the launcher is gone
    monkeypatch.setattr(agent.sys, "stdin", os.fdopen(end))
    monkeypatch.setattr(processes, "end_descendants", done.append)
    monkeypatch.setattr(agent.os, "_exit", done.append)
    folder = tmp_path / "launch"
    folder.mkdir()
    is_alone = threading.Event()
    agent._end_with_launcher(folder, is_alone)
    agent.sys.stdin.close()
    assert is_alone.is_set()
    assert done == [agent.os.getpid(), 1]
    assert not folder.exists()
