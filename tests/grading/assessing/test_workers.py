"""Grading processes for real: alone, in a crowd, killed, hanging, and always the same grades."""

import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grading.assessing import workers
from grading.assessing.batch import Roll, grade_all
from grading.assessing.keys import lab_fingerprint
from grading.assessing.work import Job, Place, Task, grade
from grading.assessing.workers import LocalWorkers
from grading.building import build
from grading.errors import WorkerError
from grading.store import Handed, Store
from grading.submissions import Submission, Submissions

# The folder of tests has no __init__.py: its helpers are loaded by their place.
_spec = importlib.util.spec_from_file_location("toys", Path(__file__).with_name("toys.py"))
assert _spec is not None
assert _spec.loader is not None
toys = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toys)


@pytest.fixture
def lab(toy):
    build.write(toy.built())
    return toy


def run_all(toy, folder: Path, submissions: Submissions, *, jobs: int = 1, **options):
    with Store(folder) as store, LocalWorkers(jobs) as executor:
        outcome = grade_all(
            store, toys.order(toy, **options), roll=toys.roll(submissions), executor=executor
        )
        return outcome, toys.dump(store), toys.log(store)


def points(dumped: str) -> dict[str, float]:
    entries = json.loads(dumped)
    return {n: e["verdict"]["exercises"][0]["points"] for n, e in entries.items()}


def test_alone_in_a_crowd_in_any_order_on_one_or_two_jobs(lab, tmp_path):
    outcome, together, logged = run_all(lab, tmp_path / "two", toys.some(lab), jobs=2)
    assert (outcome.graded, outcome.failed) == (6, ())
    assert points(together) == toys.POINTS
    backwards = dict(reversed([(each.id, each) for each in toys.some(lab)]))
    _, single, logged_single = run_all(lab, tmp_path / "one", toys.of(*backwards.values()))
    assert (single, logged_single) == (together, logged)
    _, alone, _ = run_all(lab, tmp_path / "alone", toys.some(lab, "cleo"))
    assert json.loads(alone)["cleo"] == json.loads(together)["cleo"]


HOSTILE = """

@check("9.1", sentence="The grader survives.")
def survives(student, rng):
    import os
    got = student.clipped_sum([], 3)
    if got == 99:
        os._exit(3)
    while got == 98:
        pass
    if got == 97:
        raise MemoryError
"""


def test_a_worker_that_dies_or_hangs_costs_one_exercise_and_asks_for_a_person(
    lab, tmp_path, monkeypatch
):
    monkeypatch.setattr(workers, "_STEP_CPU_S", 2.0)
    hidden = lab.answers / "hidden.py"
    hidden.write_text(hidden.read_text(encoding="utf-8") + HOSTILE, encoding="utf-8")
    empty = "    if not values:\n        return {}\n    return"
    given = {
        "dies": toys.RIGHT.replace("    return", empty.format(99)),
        "hangs": toys.RIGHT.replace("    return", empty.format(98)),
        "fails": toys.RIGHT.replace("    return", empty.format(97)),
        "right": toys.RIGHT,
    }
    submissions = toys.of(*(Submission(n, toys.notebook(lab, code)) for n, code in given.items()))
    outcome, dumped, _ = run_all(lab, tmp_path, submissions, jobs=2)
    assert outcome.failed == ("dies", "hangs")
    assert points(dumped) == {"dies": 0.0, "fails": 2.4, "hangs": 0.0, "right": 4.0}
    entries = json.loads(dumped)
    assert entries["dies"]["verdict"]["flags"] == ["exercise 9.1: ended with code 3"]
    assert "processor time here" in entries["hangs"]["verdict"]["flags"][0]
    assert entries["right"]["verdict"]["flags"] == []


def test_a_worker_that_was_killed_once_changes_nothing(lab, tmp_path, monkeypatch):
    killed = []
    real = workers._Worker.note

    def note(self, step, **options):
        real(self, step, **options)
        if step == "9.1 clips" and not killed:
            killed.append(self._process.pid)
            os.kill(self._process.pid, signal.SIGKILL)

    monkeypatch.setattr(workers._Worker, "note", note)
    outcome, dumped, _ = run_all(lab, tmp_path, toys.some(lab, "anna", "ben"))
    assert len(killed) == 1
    assert (outcome.failed, points(dumped)) == ((), {"anna": 4.0, "ben": 3.0})


def test_a_worn_worker_is_replaced(lab, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "RECYCLE_AFTER", 1)
    started = []
    real = workers._Worker.__init__

    def init(self):
        real(self)
        started.append(self._process.pid)

    monkeypatch.setattr(workers._Worker, "__init__", init)
    outcome, _, _ = run_all(lab, tmp_path, toys.some(lab, "anna", "dora"))
    assert (outcome.graded, len(set(started))) == (2, 2)


def test_checks_that_do_not_load_stop_the_command_with_the_reason(lab, tmp_path):
    (lab.folder / "checks.py").write_text("import no_such_module\n")
    with pytest.raises(WorkerError, match="No module named 'no_such_module'"):
        run_all(lab, tmp_path, toys.some(lab, "anna"))


def test_submissions_are_read_only_as_fast_as_they_are_graded(lab, tmp_path):
    read = []

    def load(each):
        read.append(each.id)
        return each

    submissions = Submissions({s.id: lambda s=s: load(s) for s in toys.some(lab)})
    handed = tuple(Handed(s.id, s.digest) for s in toys.some(lab))
    counts = []
    with Store(tmp_path) as store, LocalWorkers(1) as executor:
        grade_all(
            store,
            toys.order(lab),
            roll=Roll(submissions, handed, {}),
            executor=executor,
            progress=lambda done, of: counts.append((done, len(read))),
        )
    assert all(seen <= done + 1 for done, seen in counts)
    assert counts[-1] == (6, 6)


def test_an_error_of_our_own_names_the_step(lab, monkeypatch):
    from grading.assessing import assess

    def broken(*_, **__):
        raise ValueError("a fault of ours")

    monkeypatch.setattr(assess.ExerciseRoom, "try_case", broken)
    order = toys.order(lab)
    seeds = {"9.1": dict.fromkeys(("clips", "drawn", "empty", "all_above"), 1)}
    fingerprint = lab_fingerprint(order.course, order.lab)
    job = Job(Place("toy", str(lab.root)), fingerprint, seeds, order.settings)
    result = grade(job, Task.of(toys.some(lab, "anna")[0]))
    assert (result.assessment, result.step) == (None, "9.1 clips")
    assert result.failure == "the grader failed with ValueError"


COORDINATOR = """\
import argparse, sys
from pathlib import Path
from grading.commands import grade
from grading.course import read_course
if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    grade.add(parser.add_subparsers())
    options = parser.parse_args(sys.argv[2:])
    sys.exit(options.run(options, read_course(sys.argv[1])))
"""


def test_a_coordinator_that_is_killed_at_any_moment_goes_on_where_it_was(lab, tmp_path):
    folder, script = tmp_path / "handed-in", tmp_path / "course.py"
    for name, code in toys.ANSWERS.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "toy.ipynb").write_bytes(toys.notebook(lab, code))
    script.write_text(COORDINATOR)
    words = [sys.executable, str(script), str(lab.root), "grade", "toy", str(folder), "--jobs", "2"]
    words += ["--trust-submissions"] if toys.IS_TRUSTED else []
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run([*words, "-o", str(whole)], check=True, capture_output=True)
    rng = random.Random(4)
    for _ in range(4):
        process = subprocess.Popen(
            [*words, "-o", str(killed)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(rng.uniform(0.5, 3.0))
        process.kill()
        process.wait()
    subprocess.run([*words, "-o", str(killed)], check=True, capture_output=True)
    with Store(whole, is_writer=False) as one, Store(killed, is_writer=False) as other:
        assert toys.dump(one) == toys.dump(other)
        assert toys.log(one) == toys.log(other)
        assert points(toys.dump(one)) == toys.POINTS
    for path in sorted(whole.rglob("*")):
        if path.is_file() and path.suffix in (".html", ".csv"):
            assert path.read_bytes() == (killed / path.relative_to(whole)).read_bytes(), path
