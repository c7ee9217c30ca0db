"""What a rank does with its folder, in this process and without a process group."""

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from labs.engine import codec
from labs.gpu_training.launching import group, rank


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A launch's folder for rank 3, whose process group is none."""
    (tmp_path / "job.json").write_text(
        json.dumps({"timeout_s": 500, "backend": "gloo", "threads": 1}), encoding="utf-8"
    )
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setattr(group, "join", lambda _: None)
    monkeypatch.setattr(rank, "_end_with", lambda _: None)
    return tmp_path


def put(folder: Path, function: Any, **arguments: Any) -> None:
    """Write the job."""
    job = {"function": function, "arguments": arguments, "sources": {}}
    (folder / "job.pkl").write_bytes(pickle.dumps(job))


def test_a_result_is_written_whole(folder):
    put(folder, dict, a=[2, 1])
    assert rank.main(folder, agent=0) == 0
    assert codec.decode((folder / "result-3").read_bytes()) == {"a": [2, 1]}
    assert not list(folder.glob("*.part")) + list(folder.glob("error*"))


def test_an_error_is_told(folder):
    put(folder, os.listdir, path="/not/there")
    assert rank.main(folder, agent=0) == 1
    error = json.loads((folder / "error-3.json").read_text())
    assert (error["name"], error["doing"]) == ("FileNotFoundError", "call")
    assert "No such file" in error["message"]


def test_a_job_that_cannot_be_read_is_told(folder):
    (folder / "job.pkl").write_bytes(b"no pickle")
    assert rank.main(folder, agent=0) == 1
    assert json.loads((folder / "error-3.json").read_text())["name"] == "UnpicklingError"


def test_no_space_for_the_result(folder, monkeypatch):
    put(folder, dict, a=1)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(Path, "write_text", full)
    assert rank.main(folder, agent=0) == rank.DISK_FULL


def test_leaving_twice_is_no_error():
    group.leave()
    group.leave()
