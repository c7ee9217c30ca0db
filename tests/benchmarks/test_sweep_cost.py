"""What a run of a sweep costs above its own cells: ``pytest tests/benchmarks -s``.

Off by default, as it takes minutes::

    COURSE_SWEEP_COST=1 pytest -s tests/benchmarks/test_sweep_cost.py

Other work on the machine changes wall-clock times, processor times much less: both are printed.

- A small notebook, which imports what a lab does and computes for one CPU-second, in two slots with
  warm kernels and in a loop over the ``papermill`` command: throughput, of the same session.
- A lab (COURSE_SWEEP_LAB, else mcu_compression) at ``smoke``, COURSE_SWEEP_RUNS runs (else 4) in
  two slots. Its notebook gets a first and a last cell that read the kernel's processor time and its
  children's. What everything took beyond that between them is overhead: a part that is spent once,
  before the first run, and a part a run.
"""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
import pytest

from labs.engine import catalog, runner
from labs.engine.sweeps import warm
from labs.engine.sweeps.executors import Job
from labs.engine.sweeps.pool import LocalPool

pytestmark = pytest.mark.skipif(
    os.environ.get("COURSE_SWEEP_COST") != "1", reason="takes minutes: set COURSE_SWEEP_COST=1"
)

SLOTS, RUNS = 2, 12
SMALL = (
    "import time\nimport matplotlib.pyplot as plt\nimport numpy as np\nimport torch",
    "end_s = time.process_time() + 1\nwhile time.process_time() < end_s:\n    pass",
)
CLOCK = "import os\nprint(sum(os.times()[:4]))"


@dataclass(frozen=True)
class Cost:
    """What some runs took: wall and processor time [s], and the time of the kernels' cells."""

    runs: int
    wall_s: float
    cpu_s: float
    once_s: float = 0.0
    cells_s: float = 0.0

    def __str__(self) -> str:
        """Return all of it in a line."""
        overhead_s = (self.cpu_s - self.once_s - self.cells_s) / self.runs
        return (
            f"{self.runs} runs in {self.wall_s:.1f} s, {self.cpu_s:.1f} CPU-s, "
            f"{self.cpu_s / self.wall_s:.2f} cores busy; {self.once_s:.2f} CPU-s once, and a run "
            f"{self.cells_s / self.runs:.2f} in its cells and {overhead_s:.2f} above"
        )


def cpu_s() -> float:
    """Return the processor time of this process and of its ended children [s]."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def write_notebook(path: Path, *sources: str) -> Path:
    nbformat.write(
        nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in sources],
            metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
        ),
        path,
    )
    return path


def clocks_s(path: Path) -> float:
    """Return the time between the first and the last cell that read the clock [s]."""
    cells = nbformat.read(path, as_version=4).cells
    first, last = (float(c.outputs[0].text) for c in cells if c.source == CLOCK)
    return last - first


def sweep(plan: runner.Plan, runs: int, folder: Path) -> Cost:
    """Return the cost of some runs with warm kernels.

    Spent once is what describing the machine and making the kernels ready takes of it.
    """
    jobs = [Job(str(number), plan, folder / str(number), threads=1) for number in range(runs)]
    for each in jobs:
        each.place.mkdir(parents=True)
    start_s, start_cpu_s = time.perf_counter(), cpu_s()
    runner.provenance.machine(runner.environment(folder, threads=1))  # kept for all runs
    with warm.Stem(plan, threads=1) as stem, LocalPool(SLOTS, host=stem.host) as pool:
        stem._ready()
        process = psutil.Process(stem._process.pid)
        once_s = cpu_s() - start_cpu_s + sum(process.cpu_times()[:2])
        ended = [*pool.run(jobs, watch=lambda *_: None)]
    wall_s, used_s = time.perf_counter() - start_s, cpu_s() - start_cpu_s
    assert {each.record["status"] for each in ended} == {"ok"}
    cells_s = sum(clocks_s(each.place / "notebook.ipynb") for each in jobs)
    return Cost(runs, wall_s, used_s, once_s, cells_s)


def papermill(notebook: Path, runs: int, folder: Path) -> Cost:
    """Return the cost of a loop over papermill's command."""
    start_s, start_cpu_s = time.perf_counter(), cpu_s()
    for number in range(runs):
        command = [
            sys.executable,
            "-m",
            "papermill",
            str(notebook),
            str(folder / f"{number}.ipynb"),
        ]
        subprocess.run(command, check=True, capture_output=True)
    cells_s = sum(clocks_s(folder / f"{number}.ipynb") for number in range(runs))
    return Cost(runs, time.perf_counter() - start_s, cpu_s() - start_cpu_s, cells_s=cells_s)


def test_throughput_against_papermill(tmp_path):
    notebook = write_notebook(tmp_path / "small.ipynb", CLOCK, *SMALL, CLOCK)
    plan = runner.plan_run(notebook)
    assert not warm.why_not(plan)
    ours = sweep(plan, RUNS, tmp_path / "ours")
    bare = papermill(notebook, RUNS, tmp_path)
    factor, of_cpu = bare.wall_s / ours.wall_s, bare.cpu_s / ours.cpu_s
    print(
        f"\nours: {ours}\npapermill: {bare}\nthroughput {factor:.2f} times, CPU {of_cpu:.2f} times"
    )
    assert factor >= 3


def test_overhead_of_a_lab(tmp_path):
    lab = catalog.find_lab(os.environ.get("COURSE_SWEEP_LAB", "mcu_compression"))
    content = json.loads(lab.notebook.read_text(encoding="utf-8"))
    clock = {"cell_type": "code", "metadata": {}, "source": CLOCK, "outputs": []}
    content["cells"] = [
        clock | {"execution_count": None, "id": "first"},
        *content["cells"],
        clock | {"execution_count": None, "id": "last"},
    ]
    (tmp_path / lab.notebook.name).write_text(json.dumps(content), encoding="utf-8")
    plan = runner.plan_run(tmp_path / lab.notebook.name, lab=lab, preset="smoke")
    cost = sweep(plan, int(os.environ.get("COURSE_SWEEP_RUNS", "4")), tmp_path / "runs")
    print(f"\n{lab.name}: {cost}")
    assert cost.cells_s < cost.cpu_s
