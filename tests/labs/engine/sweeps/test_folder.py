"""The folder of a sweep: what survives a kill, who may work in it, and what it refuses."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from labs.engine.errors import RunError, UsageError
from labs.engine.sweeps import folder as folders
from labs.engine.sweeps.folder import Run, open_folder, read_folder

RECORD = {
    "lab": "a lab",
    "parameters": {"x": 1},
    "status": "ok",
    "results": {},
    "provenance": {},
}
HOLDER = """
import sys, time
from pathlib import Path
from labs.engine.sweeps.folder import read_folder
with read_folder(Path(sys.argv[1])).claimed():
    print("in", flush=True)
    time.sleep(100)
"""


@pytest.fixture
def folder(tmp_path):
    return open_folder(tmp_path / "sweep", target="a lab")


def write_record(folder, run_id, status="ok"):
    place = folder.begin(run_id)
    (place / folders.RECORD).write_text(json.dumps(RECORD | {"status": status}))


def test_runs_are_kept_in_the_order_in_which_they_were_asked_for(folder):
    folder.ask([Run("b", {"x": 1}), Run("a", {"x": 2})])
    folder.ask([Run("c", {"x": 3}), Run("b", {"x": 1})])
    again = open_folder(folder.path, target="a lab")
    assert list(again.asked) == ["b", "a", "c"]
    assert again.asked["a"].parameters == {"x": 2}


def test_how_far_a_run_has_come(folder):
    assert folder.state("a") == "waiting"
    folder.begin("a")
    assert folder.state("a") == "interrupted"
    write_record(folder, "a")
    assert folder.state("a") == "ok"
    write_record(folder, "b", status="failed")
    assert folder.state("b") == "failed"


def test_a_damaged_record_is_none(folder):
    write_record(folder, "a")
    path = folder.place("a") / folders.RECORD
    path.write_text(path.read_text()[:-20])
    assert folder.state("a") == "interrupted"
    assert folder.record("a") is None


def test_a_run_begins_in_an_empty_folder(folder):
    place = folder.begin("a")
    (place / "left.txt").write_text("of an earlier try")
    assert [each.name for each in folder.begin("a").iterdir()] == [folders.STARTED]


def test_one_sweep_at_a_time(folder):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder.path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline().strip() == b"in"
        said = rf"another sweep .* \(process {holder.pid}\); wait"
        with pytest.raises(UsageError, match=said), folder.claimed():
            pass
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait(10)
        with folder.claimed():  # the system has given it free
            assert (folder.path / folders.LOCK).read_text().strip() == str(os.getpid())
    finally:
        holder.kill()
        holder.wait(10)
        holder.stdout.close()


def test_other_things_are_left_alone(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("")
    for name in ("file", "full"):
        with pytest.raises(UsageError, match="is there and holds no sweep"):
            open_folder(tmp_path / name, target="a lab")
    with pytest.raises(UsageError, match="is no folder; make it first"):
        open_folder(tmp_path / "none" / "sweep", target="a lab")


def test_an_empty_folder_becomes_one(tmp_path):
    (tmp_path / ".lock").write_text("")
    assert open_folder(tmp_path, target="a lab").asked == {}


def test_a_folder_holds_one_notebook(folder):
    with pytest.raises(UsageError, match="holds a sweep of a lab, not of another; give -o"):
        open_folder(folder.path, target="another")


@pytest.mark.parametrize("text", ["{", "[]", '{"target": "x"}', '{"target": "x", "runs": [3]}'])
def test_damage_is_told(folder, text):
    (folder.path / folders.ASKED).write_text(text)
    with pytest.raises(UsageError, match="is damaged"):
        read_folder(folder.path)


def test_there_must_be_a_sweep_to_read(tmp_path):
    with pytest.raises(UsageError, match="holds no sweep; give the folder that lab sweep wrote"):
        read_folder(tmp_path)


def test_a_full_disk_is_one_line_and_loses_nothing(folder, monkeypatch):
    folder.ask([Run("a", {})])

    def full(path, text):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folders, "write_atomically", full)
    for action in (lambda: folder.ask([Run("b", {})]), lambda: folder.begin("a")):
        with pytest.raises(RunError, match="No space left on device; no finished run is lost"):
            action()
    monkeypatch.undo()
    assert list(read_folder(folder.path).asked) == ["a"]


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    def refused(self, *args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(RunError, match="Permission denied"):
        open_folder(tmp_path / "sweep", target="a lab")
