"""One run: parameters checked first, a process and folder of its own, one record at the end."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import nbformat
import psutil
import pytest

from course_utils import records
from labs.engine import catalog, extras, launch, provenance, runner
from labs.engine.errors import (
    ExtraMissingError,
    LabFormatError,
    ParameterError,
    RunError,
    UsageError,
)

LAB = """
number = 7
title = "Toy"
summary = "A toy."
minutes = 5
hardware = "Any computer."
[presets.smoke]
epochs = 1
rate = 2
[results]
epochs = "passes over the data"
rate_percent = "the rate"
"""
PARAMETERS = "epochs = 20  # passes\nrate = 0.5  # share\nseed = 0  # any"
RESULTS = """\
from course_utils import records
records.show_results(
    data="digits",
    epochs=records.counted(epochs),
    rate_percent=records.counted(rate),
)"""
ENVIRONMENT = """\
import json, os, sys
print(json.dumps({
    "folder": os.getcwd(), "files": os.listdir(), "python": sys.executable,
    "static": os.environ["COURSE_STATIC"], "threads": os.environ["OMP_NUM_THREADS"],
}))"""


def make_lab(folder: Path, *sources: str, text: str = LAB) -> catalog.Lab:
    """Make a lab whose notebook asks for a kernel that is nowhere installed."""
    folder.mkdir(parents=True)
    (folder / "lab.toml").write_text(text)
    (folder / "given.py").write_text("x = 1\n")
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}
    )
    notebook.cells = [
        nbformat.v4.new_markdown_cell("# Toy"),
        nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(""),
        *map(nbformat.v4.new_code_cell, sources),
    ]
    nbformat.write(notebook, folder / f"{folder.name}.ipynb")
    return catalog.read_lab(folder)


@pytest.fixture
def lab(tmp_path):
    return make_lab(tmp_path / "toy", "1 + 1")


def failed_run(tmp_path, *sources, **options):
    lab = make_lab(tmp_path / "toy", *sources)
    record = runner.run(lab.notebook, lab=lab, output=tmp_path / "out.ipynb", **options)
    assert record["status"] == "failed"
    assert records.read_record(tmp_path / "out.json") == record
    assert nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    return record["provenance"]["error"], record


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition, within_s=60.0):
    """Wait for something that another process does; the bound is for a machine that hangs."""
    end_s = time.perf_counter() + within_s
    while not condition():
        assert time.perf_counter() < end_s, "nothing happened"
        time.sleep(0.05)


# -- before the run ----------------------------------------------------------------------------


def test_presets_come_before_defaults_and_parameters_before_presets(lab):
    plan = runner.plan_run(lab.notebook, {"epochs": "3"}, lab=lab, preset="smoke")
    assert plan.parameters == {"epochs": 3, "rate": 2.0, "seed": 0}
    assert plan.changed == {"epochs": 3, "rate": 2.0}
    plain = runner.plan_run(lab.notebook, lab=lab)
    assert plain.parameters == {"epochs": 20, "rate": 0.5, "seed": 0}
    assert (plain.preset, plain.changed) == ("default", {})
    alone = runner.plan_run(lab.notebook, {"seed": 4})
    assert (alone.name, alone.preset, alone.changed) == ("toy.ipynb", None, {"seed": 4})


def test_wrong_requests_are_refused_before_anything_starts(lab, tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", None)
    with pytest.raises(ParameterError, match="no parameter 'sede'; did you mean 'seed'"):
        runner.run(lab.notebook, {"sede": "1"}, lab=lab)
    with pytest.raises(ParameterError, match=r"epochs = '1\.5' is not of type int"):
        runner.run(lab.notebook, {"epochs": "1.5"}, lab=lab)
    with pytest.raises(UsageError, match=r"no preset 'smok'; did you mean 'smoke'\?"):
        runner.run(lab.notebook, lab=lab, preset="smok")
    with pytest.raises(UsageError, match="only labs have presets"):
        runner.run(lab.notebook, preset="smoke")
    with pytest.raises(UsageError, match="no notebook"):
        runner.run(tmp_path / "none.ipynb")
    with pytest.raises(UsageError, match="is the notebook itself"):
        runner.run(lab.notebook, lab=lab, output=lab.notebook)


def test_a_preset_that_does_not_fit_the_notebook_is_the_labs_mistake(tmp_path):
    lab = make_lab(tmp_path / "toy", text=LAB.replace("rate = 2", "rat = 2"))
    with pytest.raises(LabFormatError, match=r"toy/lab\.toml, presets\.smoke: no parameter 'rat'"):
        runner.plan_run(lab.notebook, lab=lab, preset="smoke")


def test_a_missing_extra_is_named_with_its_command(tmp_path, monkeypatch):
    lab = make_lab(tmp_path / "toy", text='extras = ["mcu"]\n' + LAB)
    missing = extras.Extra("mcu", ("unicorn==2.1.4",), ("unicorn==2.1.4",), 1, 1)
    monkeypatch.setattr(extras, "find_extras", lambda: (missing,))
    with pytest.raises(ExtraMissingError, match=r'lab toy needs unicorn==2\.1\.4.*course\[mcu\]"'):
        runner.plan_run(lab.notebook, lab=lab)


# -- where a run comes from --------------------------------------------------------------------


def test_module_hashes_follow_names_and_contents_and_not_places(tmp_path):
    first = make_lab(tmp_path / "a" / "toy")
    second = make_lab(tmp_path / "b" / "toy")
    same = provenance.modules_hashes(first)
    assert set(same) == {"toy", "labs.shared", "course_utils"}
    assert provenance.modules_hashes(second) == same
    (second.folder / "given.py").write_text("x = 2\n")
    changed = provenance.modules_hashes(second)
    assert {name for name in same if changed[name] != same[name]} == {"toy"}


def test_git_state_is_that_of_the_code(tmp_path):
    def git(*words):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True, capture_output=True)

    package = tmp_path / "labs"
    package.mkdir()
    (package / "__init__.py").touch()
    assert provenance.git_state(package) is None
    git("init", "-q")
    assert provenance.git_state(package) is None  # the file is not kept
    git("add", ".")
    git("-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "-q", "-m", "one")
    state = provenance.git_state(package)
    assert state["dirty"] is False
    assert len(state["commit"]) == 40
    (package / "__init__.py").write_text("x = 1\n")
    assert provenance.git_state(package) == {**state, "dirty": True}


def test_a_machine_that_cannot_be_described_says_why(monkeypatch):
    monkeypatch.setattr(provenance, "_DESCRIBER", "labs.no_such_module")
    why = provenance.machine({"PYTHONPATH": "elsewhere"})["unknown"]
    assert "labs.no_such_module" in why


# -- runs --------------------------------------------------------------------------------------


@pytest.mark.notebook
def test_a_run_gives_its_results_and_leaves_the_rest_alone(tmp_path):
    lab = make_lab(tmp_path / "toy", ENVIRONMENT, RESULTS)
    before = lab.notebook.read_bytes()
    seen = []
    plan = runner.plan_run(lab.notebook, {"epochs": "3"}, lab=lab, preset="smoke")
    output = tmp_path / "out.ipynb"
    record = runner.execute(plan, output=output, progress=lambda *cell: seen.append(cell))

    assert records.read_record(tmp_path / "out.json") == records.validate_record(record)
    assert (record["lab"], record["status"]) == ("toy", "ok")
    assert record["parameters"] == {"epochs": 3, "rate": 2.0, "seed": 0}
    assert {name: result["value"] for name, result in record["results"].items()} == {
        "epochs": 3,
        "rate_percent": 2,
    }
    origin = record["provenance"]
    assert datetime.fromisoformat(origin["started"]).utcoffset().total_seconds() == 0
    assert origin["cpu_s"] > 0
    assert origin["duration_s"] > 0
    assert origin["notebook_sha256"] == provenance.file_hash(lab.notebook)
    assert (origin["preset"], origin["data"]) == ("smoke", ["digits"])
    assert origin["machine"]["cores"] >= 1
    assert "error" not in origin

    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]  # one of them injected by papermill
    executed = nbformat.read(output, as_version=4)
    said = json.loads(executed.cells[-2].outputs[0].text)
    assert said["files"] == []
    assert not Path(said["folder"]).exists()
    assert (said["python"], said["static"]) == (sys.executable, "1")
    assert said["threads"] == os.environ.get("OMP_NUM_THREADS", "1")
    assert executed.metadata.kernelspec.name == "python3"

    assert lab.notebook.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"toy", "out.ipynb", "out.json"}
    written = (tmp_path / "out.json").read_text() + json.dumps(executed.metadata)
    for private in (str(tmp_path), str(Path.home()), str(Path(sys.executable).parent), "lab-run-"):
        assert private not in written


@pytest.mark.notebook
def test_a_failing_cell_is_quoted_and_what_came_before_is_kept(tmp_path):
    error, record = failed_run(tmp_path, RESULTS, "x = 0\n1 / x", "never = 1")
    assert error == {
        "cell": 3,
        "source": "x = 0\n1 / x",
        "name": "ZeroDivisionError",
        "message": "division by zero",
    }
    assert set(record["results"]) == {"epochs", "rate_percent"}


@pytest.mark.notebook
def test_a_dead_kernel_is_a_failed_run(tmp_path):
    error, _ = failed_run(tmp_path, "import os\nos._exit(1)")
    assert (error["cell"], error["name"]) == (2, "DeadKernelError")
    assert "out of memory" in error["message"]


@pytest.mark.notebook
def test_leaving_early_is_no_success_though_papermill_takes_it_for_one(tmp_path):
    error, _ = failed_run(tmp_path, "import sys\nsys.exit()", RESULTS)
    assert (error["cell"], error["name"]) == (2, "SystemExit")
    assert "before its end" in error["message"]


@pytest.mark.notebook
def test_a_run_beyond_its_time_is_ended_with_everything_it_started(tmp_path, monkeypatch):
    pid_file = tmp_path / "pid"
    source = (
        "import pathlib, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(child.pid))\n"
        "time.sleep(600)"
    )

    class TimerOfEvents(threading.Thread):
        """Ends the run when its child has started, however fast this machine is."""

        def __init__(self, interval, function):
            super().__init__(daemon=True)
            self.function = function

        def run(self):
            wait_for(lambda: pid_file.exists() and pid_file.read_text())
            self.function()

        def cancel(self):
            pass

    monkeypatch.setattr(launch, "threading", SimpleNamespace(Timer=TimerOfEvents, Event=Event))
    error, record = failed_run(tmp_path, source, timeout_s=5)
    assert (error["cell"], error["name"]) == (2, "TimeoutError")
    assert error["message"] == "not finished after 5 s"
    assert record["provenance"]["cpu_s"] > 0
    assert not is_running(int(pid_file.read_text()))


@pytest.mark.notebook
def test_a_result_that_is_declared_and_missing_fails_the_run(tmp_path):
    error, record = failed_run(
        tmp_path, RESULTS.replace("    epochs=records.counted(epochs),\n", "")
    )
    assert (error["cell"], error["name"]) == (None, "RecordError")
    assert "lab.toml declares epochs, but no cell showed it" in error["message"]
    assert set(record["results"]) == {"rate_percent"}


@pytest.mark.parametrize("broken", ["{}", '{"input": "nowhere.ipynb"}'])
def test_a_run_that_cannot_start_is_no_record(lab, tmp_path, monkeypatch, broken):
    monkeypatch.setattr("labs.engine.launch._prepare", lambda _1, _2, folder: prepared(folder))

    def prepared(folder):
        (folder / "work").mkdir()
        (folder / "input.ipynb").write_bytes(lab.notebook.read_bytes())
        (folder / "task.json").write_text(broken)
        return folder / "task.json"

    with pytest.raises(RunError, match="could not be started: its process ended with code 1: Key"):
        runner.run(lab.notebook, output=tmp_path / "out.ipynb")
    assert {path.name for path in tmp_path.iterdir()} == {"toy"}


# -- runs that are interrupted -----------------------------------------------------------------


@pytest.mark.notebook
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_nothing_running_and_nothing_half_written(tmp_path, number):
    pid_file, place = tmp_path / "pid", tmp_path / "place"
    place.mkdir()
    lab = make_lab(
        tmp_path / "toy",
        f"import os, pathlib, time\npathlib.Path({str(pid_file)!r}).write_text(str(os.getpid()))",
        "time.sleep(600)",
    )
    command = [sys.executable, "-m", "labs.engine.cli", "run", str(lab.notebook), "-o", "out.ipynb"]
    run = subprocess.Popen(
        command,
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(catalog.LABS_ROOT.parent), "TMPDIR": str(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: pid_file.exists() and pid_file.read_text())
    run.send_signal(number)
    stdout, stderr = run.communicate(timeout=60)
    wait_for(lambda: not is_running(int(pid_file.read_text())))
    assert stdout == ""
    if number != signal.SIGKILL:  # nobody tidies up after that one, but no output appears
        assert (run.returncode, stderr) == (1, "lab: interrupted; nothing was written\n")
        assert list(place.iterdir()) == []
    assert not list(place.glob("out*"))


def test_a_full_temporary_folder_is_named_with_the_remedy(tmp_path, monkeypatch):
    """What the worker said last is of no use then: it had no space to say it."""
    stderr = tmp_path / "lab-run-1" / "stderr.txt"
    stderr.parent.mkdir()
    stderr.write_text('  File "site-packages/papermill/eng')
    monkeypatch.setattr(launch.shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))
    assert launch._reason(1, stderr) == (
        f"no space left in {tmp_path}; free some, or let TMPDIR name another folder"
    )
