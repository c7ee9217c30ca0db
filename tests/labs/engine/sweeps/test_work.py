"""The runs of a folder: which are done, and that neither a kill nor a full disk loses one."""

import contextlib
import importlib.util
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from labs.engine import provenance
from labs.engine.errors import RunError
from labs.engine.runner import plan_run
from labs.engine.sweeps import folder as folders
from labs.engine.sweeps.folder import Run, read_folder
from labs.engine.sweeps.pool import LocalPool
from labs.engine.sweeps.work import Options, Tally, carry_out

TOY = Path(__file__).with_name("toy_sweep.py")
_spec = importlib.util.spec_from_file_location("toy_sweep", TOY)
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)

SLOW = "import time\ntime.sleep(0.2)\nassert x != 3"
KILLS, RUNS = 10, 20


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


def work_on(folder, notebook, heard=None, **options):
    with LocalPool(2, host=toy.light) as pool:
        return carry_out(
            folder,
            plan_run(notebook),
            executor=pool,
            options=Options(**options),
            watch=lambda *_: None,
            ended=lambda over: None if heard is None else heard.append(over.run_id),
        )


def records_of(folder):
    return {run_id: folder.record(run_id) for run_id in folder.current}


def table(folder):
    """What must not depend on how often a sweep was stopped: no times, no processes."""
    return {
        run_id: record and (record["parameters"], record["results"], record["status"])
        for run_id, record in records_of(folder).items()
    }


def files_of_finished(folder):
    """The very files of the records that are there: a run that is done again has others."""
    paths = (folder.place(run_id) / folders.RECORD for run_id in folder.current)
    stats = ((path.parent.name, path.stat()) for path in paths if path.exists())
    return {run_id: (stat.st_ino, stat.st_mtime_ns) for run_id, stat in stats}


@contextlib.contextmanager
def process(folder, notebook, *words):
    """A process that does the runs of a folder."""
    started = subprocess.Popen(
        [sys.executable, str(TOY), "sweep", str(folder.path), str(notebook), *words],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait(300)
        started.stdout.close()


def line_of(started, first_word):
    """Return the next line of a process that begins so; empty if it has ended before."""
    return next((line for line in started.stdout if line.startswith(first_word)), "")


def all_ended(processes):
    return not any(
        each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes
    )


# -- which runs --------------------------------------------------------------------------------


def test_what_is_over_is_skipped_and_what_failed_is_retried_on_request(tmp_path, quick):
    notebook = toy.make_notebook(tmp_path / "toy.ipynb", "assert x != 3", toy.RESULTS)
    folder = toy.make_folder(tmp_path / "sweep", notebook, range(6))
    first = []
    assert work_on(folder, notebook, first, only=list(folder.current)[:2]) == Tally(2, 0, skipped=0)
    assert sorted(first) == sorted(list(folder.current)[:2])
    assert work_on(folder, notebook) == Tally(3, 1, skipped=2)
    before = files_of_finished(folder)
    assert work_on(folder, notebook) == Tally(0, 0, skipped=6)
    assert files_of_finished(folder) == before
    assert work_on(folder, notebook, retry=True) == Tally(0, 1, skipped=5)
    values = [record["results"].get("y") for record in records_of(folder).values()]
    assert [each and each["value"] for each in values] == [0, 2, 4, None, 8, 10]


def test_runs_of_an_earlier_origin_are_left_alone(tmp_path, quick):
    notebook = toy.make_notebook(tmp_path / "toy.ipynb", toy.RESULTS)
    folder = toy.make_folder(tmp_path / "sweep", notebook, range(1))
    fresh = Run("fresh", {"x": 8}, folder.asking.origin, purpose="fresh")
    folder.ask([Run("old", {"x": 7}, "earlier"), fresh])
    assert work_on(folder, notebook) == Tally(2, 0, skipped=0)
    assert [folder.state(each) for each in ("old", "fresh")] == ["waiting", "ok"]


@pytest.mark.parametrize("damage", [lambda text: text[:-30], lambda _: "", lambda _: "\x00" * 40])
def test_a_damaged_record_is_made_again(tmp_path, quick, damage):
    notebook = toy.make_notebook(tmp_path / "toy.ipynb", toy.RESULTS)
    folder = toy.make_folder(tmp_path / "sweep", notebook, range(1))
    work_on(folder, notebook)
    (run_id,) = folder.current
    path = folder.place(run_id) / folders.RECORD
    whole = table(folder)
    path.write_text(damage(path.read_text()))
    assert work_on(folder, notebook) == Tally(1, 0, skipped=0)
    assert table(folder) == whole


def test_a_notebook_removed_by_its_owner_is_not_missed(tmp_path, quick):
    notebook = toy.make_notebook(tmp_path / "toy.ipynb", toy.RESULTS)
    folder = toy.make_folder(tmp_path / "sweep", notebook, range(1))
    work_on(folder, notebook)
    (run_id,) = folder.current
    (folder.place(run_id) / folders.NOTEBOOK).unlink()
    assert work_on(folder, notebook) == Tally(0, 0, skipped=1)


def test_code_that_changes_under_a_sweep_ends_it(tmp_path, quick):
    notebook = toy.make_notebook(tmp_path / "toy.ipynb", toy.RESULTS)
    folder = toy.make_folder(tmp_path / "sweep", notebook, range(6))

    def change(_):
        toy.make_notebook(notebook, "x = 0", toy.RESULTS)

    with LocalPool(1, host=toy.light) as pool, pytest.raises(RunError, match=r"toy\.ipynb or a"):
        carry_out(
            folder,
            plan_run(notebook),
            executor=pool,
            options=Options(),
            watch=lambda *_: None,
            ended=change,
        )
    assert 1 <= len(files_of_finished(folder)) <= 2


# -- sweeps that are stopped -------------------------------------------------------------------


def test_a_sweep_killed_ten_times_ends_with_the_table_of_an_undisturbed_one(tmp_path):
    notebook = toy.make_notebook(tmp_path / "toy.ipynb", SLOW, toy.RESULTS)
    killed = toy.make_folder(tmp_path / "killed", notebook, range(RUNS))
    rng, finished, interrupted = random.Random(8), {}, 0
    for _ in range(KILLS):
        with process(killed, notebook) as sweep:
            line_of(sweep, "in")
            for _ in range(rng.randint(0, 1)):
                line_of(sweep, "over")
            time.sleep(rng.uniform(0.0, 0.3))
            workers = psutil.Process(sweep.pid).children(recursive=True)
            sweep.kill()
            sweep.wait(300)
        wait_for(lambda workers=workers: all_ended(workers))
        now = files_of_finished(killed)
        assert finished.items() <= now.items(), "a run that was over was done again"
        finished = now
        interrupted += [killed.state(each) for each in killed.current].count("interrupted")
    assert interrupted > 0, "the kills disturbed nothing"
    calm = toy.make_folder(tmp_path / "calm", notebook, range(RUNS))
    for folder in (killed, calm):
        with process(folder, notebook) as sweep:
            assert sweep.wait(300) == 0
    assert finished.items() <= files_of_finished(killed).items()
    assert table(killed) == table(calm)
    statuses = [row and row[2] for row in table(calm).values()]
    assert (statuses.count("ok"), statuses.count("failed")) == (RUNS - 1, 1)


@pytest.mark.notebook
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_sweep_leaves_no_process_of_a_real_run(tmp_path, number):
    pid_file = tmp_path / "pid"
    source = (
        f"import os, pathlib, time\npathlib.Path({str(pid_file)!r}).write_text(str(os.getpid()))"
    )
    notebook = toy.make_notebook(tmp_path / "toy.ipynb", source + "\ntime.sleep(600)")
    folder = toy.make_folder(tmp_path / "sweep", notebook, range(1))
    with process(folder, notebook, "--real") as sweep:
        wait_for(lambda: pid_file.exists() and pid_file.read_text())
        processes = psutil.Process(sweep.pid).children(recursive=True)
        assert int(pid_file.read_text()) in {each.pid for each in processes}
        sweep.send_signal(number)
        assert sweep.wait(300) == (-number if number == signal.SIGKILL else 130)
        wait_for(lambda: all_ended(processes))
    (run_id,) = folder.current
    assert folder.state(run_id) == "interrupted"
    assert {each.name for each in folder.place(run_id).iterdir()} == {"started.json", "log.txt"}


def test_two_sweeps_in_one_folder(tmp_path):
    may_end = tmp_path / "may_end"
    wait = f"import pathlib, time\nwhile not pathlib.Path({str(may_end)!r}).exists():\n"
    notebook = toy.make_notebook(tmp_path / "toy.ipynb", wait + "    time.sleep(0.05)", toy.RESULTS)
    folder = toy.make_folder(tmp_path / "sweep", notebook, range(2))
    with process(folder, notebook) as first:
        line_of(first, "in")
        with process(folder, notebook) as second:
            said = line_of(second, "error")
            assert second.wait(300) == 1
        assert f"another sweep works in {folder.path} (process {first.pid})" in said
        may_end.touch()
        assert first.wait(300) == 0
    assert [folder.state(each) for each in folder.current] == ["ok", "ok"]


# -- a full disk -------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("may not mount a file system here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_ends_a_sweep_with_one_line_and_it_goes_on_when_there_is_space(
    small_disk, tmp_path, quick
):
    ballast = small_disk / "ballast"
    comment = "# " + "x" * 150_000  # the executed notebook holds it
    notebook = toy.make_notebook(tmp_path / "toy.ipynb", comment + "\n0", toy.RESULTS)
    folder = toy.make_folder(small_disk / "sweep", notebook, range(8))
    ballast.write_bytes(bytes(1_300_000))
    with pytest.raises(RunError, match=r"^[^\n]*[Nn]o space left[^\n]*$"):
        work_on(folder, notebook)
    finished = files_of_finished(folder)
    assert 1 <= len(finished) < 8
    with pytest.raises(RunError, match=r"[Nn]o space left"):
        work_on(folder, notebook)
    ballast.unlink()
    tally = work_on(read_folder(folder.path), notebook)
    assert (tally.failed, tally.done + tally.skipped) == (0, 8)
    assert tally.skipped >= len(finished)
    assert finished.items() <= files_of_finished(folder).items()
    assert [row[1]["y"]["value"] for row in table(folder).values()] == [*range(0, 16, 2)]


def test_a_full_temporary_folder_is_no_failure_of_the_run(small_disk, tmp_path, quick, monkeypatch):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1_500_000))
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    writes = "with open('data', 'wb') as file:\n    file.write(bytes(10**6))"
    notebook = toy.make_notebook(tmp_path / "toy.ipynb", writes, toy.RESULTS)
    folder = toy.make_folder(tmp_path / "sweep", notebook, range(1))
    with pytest.raises(RunError, match=f"no space left in {small_disk}; free some; what is over"):
        work_on(folder, notebook)
    assert [folder.state(each) for each in folder.current] == ["interrupted"]
    ballast.unlink()
    assert work_on(folder, notebook) == Tally(1, 0, skipped=0)


def test_kernels_have_as_many_threads_as_was_asked_for(tmp_path, quick):
    notebook = toy.make_notebook(
        tmp_path / "toy.ipynb", "import os\nx = int(os.environ['OMP_NUM_THREADS'])", toy.RESULTS
    )
    folder = toy.make_folder(tmp_path / "sweep", notebook, range(1), threads=3)
    work_on(folder, notebook)
    ((_, results, _),) = table(folder).values()
    assert results["y"]["value"] == 6
