"""What grading one submission costs, in ours and in nbgrader: ``pytest tests/benchmarks -s``.

Prints processor time a submission of the whole process tree, throughput on two cores, and memory
over a thousand submissions; asserts that both give the right points, and nothing about time. Other
work on the machine changes wall-clock times, processor times much less; rounds of both tools
alternate. It takes minutes and is off by default::

    COURSE_NBGRADER=1 pytest --network -s tests/benchmarks/test_grading_cost.py

installs nbgrader into an environment of its own (334 MB), unless COURSE_NBGRADER_PROGRAMS names the
folder with its programs.
"""

import csv
import importlib.util
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from labs.engine.sandbox.confine import walls_missing

_spec = importlib.util.spec_from_file_location(
    "grading_cost_lab", Path(__file__).with_name("grading_cost_lab.py")
)
lab = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lab)

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(
        os.environ.get("COURSE_NBGRADER") != "1",
        reason="takes minutes and installs nbgrader, 334 MB: set COURSE_NBGRADER=1",
    ),
    pytest.mark.skipif(walls_missing() is not None, reason=f"no walls here: {walls_missing()}"),
]

REPOSITORY = Path(__file__).resolve().parents[2]
VERSION = "0.9.6"
SUBMISSIONS, ROUNDS = 24, 2
MANY, FIRST_LOOK = 1000, 10
FIRST = "ours, the first"
MB = 1e6


@pytest.fixture(scope="module")
def nbgrader(pytestconfig: pytest.Config) -> Path:
    """The folder with nbgrader's programs."""
    if given := os.environ.get("COURSE_NBGRADER_PROGRAMS"):
        return Path(given)
    folder = Path(pytestconfig.cache.mkdir("nbgrader")) / VERSION
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    if not (programs / "nbgrader").exists():
        venv.create(folder, with_pip=True, clear=True)
        install = [programs / "python", "-m", "pip", "install", "-q", f"nbgrader=={VERSION}"]
        subprocess.run(install, check=True)
    return programs


@pytest.fixture(params=lab.IMPORTS)
def course(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The course on disk, and a runtime folder of its own, so that its zygote is found."""
    answers, compute_s = lab.expected()
    assert compute_s <= 1.0, "a machine so slow is not what this benchmark is for"
    lab.make_course(tmp_path / "course", answers, imports=request.param)
    (tmp_path / "runtime").mkdir(mode=0o700)
    (tmp_path / "compute_s").write_text(str(compute_s))
    (tmp_path / "imports").write_text(request.param)
    return tmp_path


def hand_in(folder: Path, number: int, *, file: str = f"{lab.NAME}.ipynb", **how: bool) -> None:
    """Write submissions, one folder each."""
    blank = json.loads((folder.parent / "course" / "labs" / lab.NAME / file).read_text())
    for each in range(number):
        work = folder / f"s{each:04d}"
        work.mkdir(parents=True)
        (work / file).write_text(lab.handed_in(blank, each, **how))


def environment(root: Path) -> dict[str, str]:
    """Return the environment of our command."""
    own = {"PYTHONPATH": str(REPOSITORY), "XDG_RUNTIME_DIR": str(root / "runtime")}
    return {**os.environ, **own, "OMP_NUM_THREADS": "1"}


def grade_command(root: Path, out: Path, *, submissions: str, jobs: int) -> list[str]:
    """Return the command that grades with ours."""
    command = [sys.executable, "-m", "grading.cli", "grade", lab.NAME, str(root / submissions)]
    return [*command, "-o", str(out), "--jobs", str(jobs)]


def zygote_cpu_s(root: Path) -> float:
    """Return the processor time of the zygotes of this benchmark and of all that they forked."""
    used_s = 0.0
    for process in psutil.process_iter():
        try:
            if any(str(root / "runtime") in word for word in process.cmdline()):
                times = process.cpu_times()
                used_s += times.user + times.system + times.children_user + times.children_system
        except psutil.Error:
            continue
    return used_s


def measured(work: Callable[[], None], root: Path) -> tuple[float, float]:
    """Return processor time [s] of everything that some work starts, and its wall time [s]."""
    before, zygote_s = resource.getrusage(resource.RUSAGE_CHILDREN), zygote_cpu_s(root)
    start_s = time.perf_counter()
    work()
    wall_s = time.perf_counter() - start_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    later_s = zygote_cpu_s(root)
    # A zygote that was idle for long has ended meanwhile, and another one has begun at 0.
    return used_s + (later_s - zygote_s if later_s >= zygote_s else later_s), wall_s


def grade_ours(root: Path, name: str, *, jobs: int, only: str = "") -> None:
    """Grade with ours, and look at the points."""
    out = root / name
    command = grade_command(root, out, submissions="submissions", jobs=jobs)
    command += ["--only", only] if only else []
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    own = {"cwd": root / "course", "env": environment(root)}
    subprocess.run(command, check=True, timeout=900, **own, **quiet)
    if only:
        return
    with (out / "grades.csv").open(encoding="utf-8") as file:
        totals = {row["submission"]: float(row["total"]) for row in csv.DictReader(file)}
    assert totals == {f"s{n:04d}": lab.points(n) for n in range(SUBMISSIONS)}


def make_desk(root: Path, programs: Path) -> Path:
    """Return nbgrader's folder, with the assignment released."""
    desk = root / "desk"
    kernel = desk / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    specification = {"argv": argv, "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(specification))
    (desk / "nbgrader_config.py").write_text("c = get_config()\n")
    source = desk / "source" / lab.NAME / f"{lab.NAME}.ipynb"
    source.parent.mkdir(parents=True)
    blank = json.loads((root / "course" / "labs" / lab.NAME / f"{lab.NAME}.ipynb").read_text())
    source.write_text(json.dumps(blank))
    run_nbgrader(programs, desk, "generate_assignment", lab.NAME, "--create")
    # What was released carries checksums; everything is handed in from it, to both.
    released = desk / "release" / lab.NAME / f"{lab.NAME}.ipynb"
    (root / "course" / "labs" / lab.NAME / f"{lab.NAME}.ipynb").write_text(released.read_text())
    return desk


def run_nbgrader(programs: Path, desk: Path, *arguments: str) -> None:
    """Run one command of nbgrader."""
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    folders = {"JUPYTER_PATH": str(desk / "jupyter"), "HOME": str(desk), "PATH": path}
    own = {k: v for k, v in os.environ.items() if k not in ("PYTHONWARNINGS", "PYTHONPATH")}
    command = [str(programs / "nbgrader"), *arguments]
    run = subprocess.run(
        command,
        cwd=desk,
        env={**own, **folders, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]


def grade_theirs(root: Path, programs: Path, desk: Path) -> None:
    """Grade with nbgrader, and look at the points."""
    run_nbgrader(programs, desk, "autograde", lab.NAME, "--create", "--force")
    with sqlite3.connect(desk / "gradebook.db") as base:
        rows = base.execute(
            "SELECT s.student_id, SUM(g.auto_score) FROM grade g "
            "JOIN submitted_notebook n ON g.notebook_id = n.id "
            "JOIN submitted_assignment s ON n.assignment_id = s.id GROUP BY s.student_id"
        ).fetchall()
    assert dict(rows) == {f"s{n:04d}": lab.points(n) for n in range(SUBMISSIONS)}


def test_cost_of_a_submission(course: Path, nbgrader: Path) -> None:
    desk = make_desk(course, nbgrader)
    hand_in(course / "submissions", SUBMISSIONS)
    for work in sorted((course / "submissions").iterdir()):
        copy = desk / "submitted" / work.name / lab.NAME / f"{lab.NAME}.ipynb"
        copy.parent.mkdir(parents=True)
        copy.write_bytes((work / f"{lab.NAME}.ipynb").read_bytes())
    found: dict[str, list[tuple[float, float]]] = {}
    works: dict[str, Callable[[str], None]] = {
        "ours, 1 job": lambda out: grade_ours(course, f"one-{out}", jobs=1),
        "nbgrader autograde": lambda _: grade_theirs(course, nbgrader, desk),
        "ours, 2 jobs": lambda out: grade_ours(course, f"two-{out}", jobs=2),
        FIRST: lambda out: grade_ours(course, f"first-{out}", jobs=1, only="s0001"),
    }
    for number in range(ROUNDS):
        for name, work in works.items():
            found.setdefault(name, []).append(measured(partial(work, str(number)), course))
    report(course, found)


def report(root: Path, found: dict[str, list[tuple[float, float]]]) -> None:
    """Print the medians."""
    compute_s = float((root / "compute_s").read_text())
    print(
        f"\nimports {(root / 'imports').read_text()}: {SUBMISSIONS} submissions, {ROUNDS} rounds; "
        f"the answers take {compute_s:.2f} CPU-s"
    )
    start_s = statistics.median(cpu for cpu, _ in found.pop(FIRST))
    print(f"ours takes {start_s:.2f} CPU-s to start and to grade one")
    for name, rounds in found.items():
        cpu_s = statistics.median(cpu for cpu, _ in rounds) / SUBMISSIONS
        wall_s = statistics.median(wall for _, wall in rounds)
        print(
            f"{name:20} {cpu_s:6.2f} CPU-s a submission, {cpu_s - compute_s:6.2f} beyond the "
            f"answers, {SUBMISSIONS / wall_s * 60:6.1f} submissions a minute"
        )


def graded(out: Path) -> int:
    """Return how many submissions have a verdict by now."""
    try:
        with sqlite3.connect(f"file:{out / 'grades.db'}?mode=ro", uri=True) as base:
            return int(base.execute("SELECT COUNT(*) FROM verdicts").fetchone()[0])
    except sqlite3.Error:
        return 0


def test_memory_over_many_submissions(course: Path) -> None:
    hand_in(course / "many", MANY, is_short=True)
    out = course / "ours-many"
    command = grade_command(course, out, submissions="many", jobs=1)
    log: list[tuple[int, float, float]] = []
    with subprocess.Popen(
        command,
        cwd=course / "course",
        env=environment(course),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        itself = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                workers = [p for p in itself.children() if "spawn_main" in " ".join(p.cmdline())]
                sizes = [each.memory_info().rss / MB for each in workers]
                log.append((graded(out), itself.memory_info().rss / MB, max(sizes, default=0.0)))
            except psutil.Error:
                pass
            time.sleep(0.5)
    assert process.returncode == 0
    assert graded(out) == MANY
    later = [each for each in log if each[0] >= FIRST_LOOK]
    print(f"\n{'graded':>7} {'coordinator':>12} {'grader':>8}  [MB]")
    for count, coordinator, grader in later[:: max(1, len(later) // 12)]:
        print(f"{count:7} {coordinator:12.0f} {grader:8.0f}")
    graders = [grader for _, _, grader in later if grader]
    print(
        f"grader: {graders[0]:.0f} MB at submission {later[0][0]}, at most {max(graders):.0f} MB "
        f"until {MANY}; coordinator: at most {max(each[1] for each in log):.0f} MB"
    )
