"""Runs on this machine: real ones, late ones, and that nothing stays behind when they are ended."""

import contextlib
import importlib.util
import json
import signal
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from course_utils.records import read_record
from labs.engine import launch, provenance
from labs.engine.errors import RunError
from labs.engine.launch import FULL_BELOW_BYTES, Host
from labs.engine.runner import plan_run
from labs.engine.sweeps import pool as pools
from labs.engine.sweeps.executors import Job
from labs.engine.sweeps.pool import LocalPool

_spec = importlib.util.spec_from_file_location(
    "toy_sweep", Path(__file__).with_name("toy_sweep.py")
)
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)

# A run with a process below it that lasts as long as it does.
LONG = """\
import subprocess
child = subprocess.Popen(["sleep", "600"])
print("child", child.pid)
child.wait()"""


@pytest.fixture
def quick(monkeypatch):
    """Describing the machine takes a process that loads torch."""
    monkeypatch.setattr(provenance, "machine", lambda _: {"cores": 2})


def wait_for(condition, within_s=300.0):
    """Wait for something that another process does; the bound is for a machine that hangs."""
    end_s = time.perf_counter() + within_s
    while not condition():
        assert time.perf_counter() < end_s, "nothing happened"
        time.sleep(0.02)


BEFORE = set()  # what other tests of this process have left, such as sandboxes that stay warm


@pytest.fixture(autouse=True)
def processes_before():
    BEFORE.clear()
    BEFORE.update(psutil.Process().children(recursive=True))


def below():
    """Processes below this one that were not there before the test."""
    return [each for each in psutil.Process().children(recursive=True) if each not in BEFORE]


def make_jobs(tmp_path, *sources, count=2, **options):
    plan = plan_run(toy.make_notebook(tmp_path / "toy.ipynb", *sources))
    for x in range(count):
        place = tmp_path / f"run-{x}"
        place.mkdir()
        yield Job(f"run-{x}", plan.varied({"x": x}), place, threads=1, **options)


def unheard(*_):
    pass


@pytest.mark.notebook
def test_two_real_runs_of_which_one_is_late_and_keeps_what_it_had_done(tmp_path, monkeypatch):
    is_waiting = tmp_path / "waiting"
    late = f"import pathlib, time\nif x:\n    pathlib.Path({str(is_waiting)!r}).touch()"
    first, second = make_jobs(
        tmp_path, "print('so far')", toy.RESULTS, f"{late}\n    time.sleep(600)"
    )

    class TimerOfEvents(threading.Thread):
        """Ends the run when it is where it waits, however fast this machine is."""

        def __init__(self, interval, function):
            super().__init__(daemon=True)
            self.function = function

        def run(self):
            wait_for(is_waiting.exists)
            self.function()

        def cancel(self):
            pass

    events = SimpleNamespace(Timer=TimerOfEvents, Event=threading.Event)
    monkeypatch.setattr(launch, "threading", events)
    heard = []
    second = Job(second.run_id, second.plan, second.place, threads=1, timeout_s=5)
    with LocalPool(2) as pool:
        over = {
            each.run_id: each.record
            for each in pool.run([first, second], watch=lambda *words: heard.append(words))
        }
    for job, status in ((first, "ok"), (second, "failed")):
        record = over[job.run_id]
        assert record["status"] == status
        assert read_record(job.place / "notebook.json") == record
        assert record["results"]["y"]["value"] == 2 * record["parameters"]["x"]
        cells = json.loads((job.place / "notebook.ipynb").read_text())["cells"]
        assert "".join(cells[2]["outputs"][0]["text"]) == "so far\n"
        assert (job.place / "log.txt").exists()
        assert [words[1:] for words in heard if words[0] == job.run_id] == [
            (0, 0),
            *((n, 5) for n in range(1, 6)),
        ]
    error = over["run-1"]["provenance"]["error"]
    assert (error["name"], error["message"]) == ("TimeoutError", "not finished after 5 s")
    assert below() == []


def test_a_job_is_taken_when_there_is_a_place_for_it(tmp_path, quick):
    taken = []

    def take():
        for job in make_jobs(tmp_path, toy.RESULTS, count=5):
            taken.append(job)
            over = sum((each.place / "notebook.json").exists() for each in taken)
            assert len(taken) - over <= 2
            yield job

    with LocalPool(2, host=toy.light) as pool:
        over = [each.run_id for each in pool.run(take(), watch=unheard)]
    assert sorted(over) == [f"run-{x}" for x in range(5)]


def test_a_pool_serves_several_times(tmp_path, quick):
    jobs = list(make_jobs(tmp_path, toy.RESULTS))
    with LocalPool(1, host=toy.light) as pool:
        over = [each.run_id for job in jobs for each in pool.run([job], watch=unheard)]
    assert over == ["run-0", "run-1"]


@pytest.mark.parametrize("way", ["close", "leave", "interrupt"])
def test_ending_leaves_no_process_and_records_nothing(tmp_path, quick, way):
    """The third run begins when the first is over; then two are ended."""
    jobs = list(
        make_jobs(tmp_path, f"if x:\n    {LONG.replace(chr(10), chr(10) + '    ')}", count=3)
    )
    with contextlib.suppress(KeyboardInterrupt), LocalPool(2, host=toy.light) as pool:
        running = pool.run(jobs, watch=unheard)
        assert next(running).run_id == "run-0"
        wait_for(lambda: sum(each.name() == "sleep" for each in below()) == 2)
        if way == "close":
            running.close()
            assert below() == []
        elif way == "interrupt":
            raise KeyboardInterrupt
    wait_for(lambda: below() == [])
    assert (jobs[0].place / "notebook.json").exists()
    for job in jobs[1:]:
        assert not list(job.place.glob("notebook*"))


def test_a_run_that_is_just_starting_is_ended_too(tmp_path, quick):
    workers = []

    def start_too_late(command):
        # Ctrl-C, while this thread is about to start its worker.
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.5)
        workers.append(toy.light_worker(command))
        return workers[0]

    (job,) = make_jobs(tmp_path, LONG, count=1)
    with (
        pytest.raises(KeyboardInterrupt),
        LocalPool(1, host=lambda _: Host(start=start_too_late)) as pool,
    ):
        list(pool.run([job], watch=unheard))
    assert workers[0].poll() == -signal.SIGKILL
    assert below() == []
    assert not list(job.place.glob("notebook*"))


def test_what_cannot_be_started_ends_the_others_and_is_one_line(tmp_path, quick):
    def start(command):
        if '"x": 0' in command.task.read_text():
            return toy.light_worker(command)
        wait_for(lambda: any(each.name() == "sleep" for each in below()))
        raise BlockingIOError(11, "Resource temporarily unavailable")

    jobs = list(make_jobs(tmp_path, LONG))
    said = r"^run run-1: .*Resource temporarily unavailable; what is over is kept"
    with LocalPool(2, host=lambda _: Host(start=start)) as pool:
        with pytest.raises(RunError, match=said):
            next(pool.run(jobs, watch=unheard))
        assert below() == []
    assert not list(jobs[0].place.glob("notebook*"))


def test_a_run_that_fails_on_a_full_disk_is_not_recorded(tmp_path, quick, monkeypatch):
    (job,) = make_jobs(tmp_path, "raise OSError('no space')", count=1)
    full = SimpleNamespace(free=FULL_BELOW_BYTES - 1)
    monkeypatch.setattr(pools.shutil, "disk_usage", lambda _: full)
    with LocalPool(1, host=toy.light) as pool, pytest.raises(RunError, match="no space left in"):
        list(pool.run([job], watch=unheard))
    assert not (job.place / "notebook.json").exists()
