"""Forked workers and kernels give what ordinary ones give, and leave nothing behind."""

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from labs.engine import runner
from labs.engine.sweeps import warm
from labs.engine.sweeps.executors import Job

FORKS = pytest.mark.skipif(
    sys.platform != "linux" or any(Path(name).exists() for name in warm.GPU_FILES),
    reason="no Linux, or a GPU: there are no warm kernels",
)
# What a notebook can see of its process that has to be as in an ordinary one.
SURROUNDINGS = """
import json, multiprocessing, os, signal, sys, tempfile, threading
import torch
import numpy as np
import matplotlib
from matplotlib import pyplot
home = os.path.dirname(os.getcwd())
print(json.dumps({
    "environment": {
        name: value.replace(home, "HOME").replace(tempfile.gettempdir(), "TMP")
        for name, value in sorted(os.environ.items())
        if name not in ("JPY_PARENT_PID", "OLDPWD", "PWD", "_", "SHLVL")
    },
    "work": [os.path.basename(os.getcwd()), os.listdir()],
    "temporary": tempfile.gettempdir() == home + "/tmp",
    "path": [each for each in sys.path],
    "argv": [os.path.basename(each) for each in sys.argv[:2]],
    "main": sys.modules["__main__"].__dict__ is globals(),
    "signals": [str(signal.getsignal(each)) for each in (2, 13, 15, 17)],
    "leader": [os.getpid() == os.getpgid(0), os.getpid() == os.getsid(0)],
    "threads": [torch.get_num_threads(), threading.current_thread().name],
    "backend": matplotlib.get_backend(),
    "stdin": os.read(0, 1).decode(),
    "hash": hash("x"),
    "start": multiprocessing.get_start_method(allow_none=True),
}))
"""
FIGURE = "pyplot.plot([1, 2])"
DRAWS = """
import random, numpy, torch
print(random.random(), numpy.random.rand(), torch.rand(()).item())
"""


def make_plan(folder: Path, *sources: str) -> runner.Plan:
    notebook = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, sources)])
    folder.mkdir(exist_ok=True)
    nbformat.write(notebook, folder / "toy.ipynb")
    return runner.plan_run(folder / "toy.ipynb")


def job(plan: runner.Plan, threads: int = 1) -> Job:
    return Job("toy", plan, plan.notebook.parent, threads)


def run(folder: Path, stem: warm.Stem | None, *sources: str, **options):
    """Return the record of a run, warm or not, and the outputs of its cells."""
    plan = make_plan(folder, *sources)
    host = {} if stem is None else {"host": stem.host(job(plan))}
    record = runner.execute(plan, output=folder / "out.ipynb", **host, **options)
    cells = nbformat.read(folder / "out.ipynb", as_version=4).cells
    return record, [cell.outputs for cell in cells if cell.source in sources]


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition, within_s=60.0):
    """Wait for something that another process does; the bound is for a machine that hangs."""
    end_s = time.perf_counter() + within_s
    while not (found := condition()):
        assert time.perf_counter() < end_s, "nothing happened"
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def stem(tmp_path_factory):
    with warm.Stem(make_plan(tmp_path_factory.mktemp("stem"), SURROUNDINGS), threads=1) as stem:
        yield stem


@pytest.fixture
def process(stem, tmp_path) -> psutil.Process:
    """Where the forks come from."""
    run(tmp_path, stem, "1")
    return psutil.Process(stem._process.pid)


@FORKS
def test_a_fork_looks_like_an_ordinary_kernel(stem, tmp_path):
    seen = {}
    for name, each in {"warm": stem, "ordinary": None}.items():
        record, (words, picture) = run(tmp_path / name, each, SURROUNDINGS, FIGURE)
        assert record["status"] == "ok", record
        seen[name] = json.loads(words[0].text)
        assert [list(output.get("data", ())) for output in picture] == [
            ["text/plain"],
            ["image/png", "text/plain"],
        ]
    assert seen["warm"] == seen["ordinary"]
    assert seen["warm"]["threads"][0] == 1


@FORKS
def test_forks_do_not_share_random_numbers_or_anything_else(stem, tmp_path):
    drawn = [run(tmp_path, stem, DRAWS + f"print(globals().get('a'))\na = {n}")[1] for n in (1, 2)]
    first, second = ([*words[0].text.split()] for (words,) in drawn)
    assert len({*first[:3], *second[:3]}) == 6
    assert first[3] == second[3] == "None"


@FORKS
@pytest.mark.parametrize("is_warm", [True, False])
def test_a_kernel_ends_as_python_does(stem, tmp_path, is_warm):
    source = f"""
        import atexit, pathlib
        place = pathlib.Path({str(tmp_path)!r})
        left_open = (place / "open").open("w")
        left_open.cycle = [left_open]
        _ = left_open.write("all of it")
        _ = atexit.register((place / "handler").write_text, "called")
    """
    source = textwrap.dedent(source).strip()
    record, _ = run(tmp_path, stem if is_warm else None, source)
    assert record["status"] == "ok", record
    said = {each: (tmp_path / each).read_text() for each in ("open", "handler")}
    assert said == {"open": "all of it", "handler": "called"}


@FORKS
def test_time_of_the_kernel_and_its_children_counts(stem, tmp_path):
    busy = "import time\nend = time.process_time() + 0.4\nwhile time.process_time() < end: pass"
    record, _ = run(
        tmp_path,
        stem,
        f"import subprocess, sys\n{busy}",
        f"subprocess.run([sys.executable, '-c', {busy!r}], check=True);",
    )
    assert record["status"] == "ok"
    assert record["provenance"]["cpu_s"] >= 0.8


@FORKS
@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import os\nos._exit(3)", "DeadKernelError"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "DeadKernelError"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGINT)", "KeyboardInterrupt"),
    ],
)
def test_failures_are_told_as_ever(stem, tmp_path, source, name):
    record, outputs = run(tmp_path, stem, "print(1)", source)
    assert record["provenance"]["error"]["name"] == name
    assert record["provenance"]["error"]["cell"] == 2
    assert outputs[0][0].text == "1\n"


@FORKS
def test_a_late_run_ends_with_all_below_it(stem, process, tmp_path):
    before = process.children(recursive=True)
    sources = "print(1)", "print(2)", "import os\nos.fork()\nwhile True: pass"
    record, outputs = run(tmp_path, stem, *sources, timeout_s=5)
    assert [each[0].text for each in outputs[:2]] == ["1\n", "2\n"]
    assert record["provenance"]["error"]["name"] == "TimeoutError"
    assert record["provenance"]["cpu_s"] > 0
    wait_for(lambda: set(process.children(recursive=True)) <= set(before))


@FORKS
def test_two_at_once(stem, tmp_path):
    texts = {}

    def work(name: str) -> None:
        texts[name] = run(tmp_path / name, stem, f"import time\ntime.sleep(1)\nprint({name!r})")[1]

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert {name: outputs[0][0].text for name, outputs in texts.items()} == {
        "a": "a\n",
        "b": "b\n",
    }


@FORKS
def test_when_the_stem_dies_runs_go_on_and_it_is_said_once(tmp_path, caplog):
    plan = make_plan(tmp_path / "plan", "1")
    started = threading.Event()
    with warm.Stem(plan, threads=1) as stem:
        ended = []
        slow = "import time\nprint(1)\ntime.sleep(3)\nprint(2)"

        def work() -> None:
            ended.append(run(tmp_path / "slow", stem, slow, progress=lambda *_: started.set()))

        thread = threading.Thread(target=work)
        thread.start()
        assert started.wait(60)
        stem._process.kill()
        for _ in range(2):
            record, _ = run(tmp_path / "next", stem, "1")
            assert record["status"] == "ok"
        thread.join()
        ((record, outputs),) = ended
        assert record["status"] == "ok"
        assert "".join(each.text for each in outputs[0]) == "1\n2\n"
    assert [each.getMessage()[:15] for each in caplog.records] == ["no warm kernels"]


@FORKS
def test_nothing_outlives_the_runner(tmp_path):
    plan = make_plan(tmp_path, "import time\ntime.sleep(600)")
    program = f"""
        from pathlib import Path
        from labs.engine import runner
        from labs.engine.sweeps import warm
        from labs.engine.sweeps.executors import Job
        plan = runner.plan_run({str(plan.notebook)!r})
        with warm.Stem(plan, threads=1) as stem:
            host = stem.host(Job("toy", plan, Path("."), 1))
            runner.execute(plan, host=host, progress=lambda *_: print("cell", flush=True))
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    ) as coordinator:
        assert coordinator.stdout.readline() == "cell\n"
        below = psutil.Process(coordinator.pid).children(recursive=True)
        assert len(below) == 3  # stem, worker, kernel
        coordinator.kill()
    wait_for(lambda: not any(is_running(each.pid) for each in below), within_s=20)


def test_a_job_with_other_threads_gets_an_ordinary_process(tmp_path):
    plan = make_plan(tmp_path, "1")
    with warm.Stem(plan, threads=1) as stem:
        assert stem.host(job(plan, threads=1)).start is not None
        other = stem.host(job(plan, threads=2))
    assert (other.start, other.threads) == (None, 2)


@FORKS
def test_modules_with_threads_are_refused(tmp_path):
    (tmp_path / "busy.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    program = (
        "from labs.engine.sweeps import stem\n"
        "stem.PACKAGES = ()  # which take seconds\n"
        "print(stem.import_all(['no_such_module', 'math']), '|', stem.import_all(['busy']))"
    )
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    fine, _, refused = done.stdout.partition("|")
    assert not fine.strip()
    assert "start threads" in refused


def test_only_known_imports_are_made_ahead(tmp_path):
    plan = make_plan(
        tmp_path,
        "%matplotlib inline\nimport numpy as np, antigravity\nfrom course_utils import stats",
        "def f():\n    import torch",
        "this is no Python",
        "from labs.engine.notebook import best\nfrom . import other",
    )
    assert warm.imported(plan.notebook) == [
        "numpy",
        "course_utils",
        "course_utils.stats",
        "labs.engine.notebook",
        "labs.engine.notebook.best",
    ]


@FORKS
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import torch\nlen('OMP')", ""),
        ("# OMP_NUM_THREADS is a comment here\n1", ""),
        ("import os\nos.environ['OMP_NUM_THREADS'] = '2'", "names OMP_NUM_THREADS"),
        ("%env MKL_NUM_THREADS=2", "names MKL_NUM_THREADS"),
    ],
)
def test_notebooks_that_set_up_their_libraries_get_ordinary_kernels(tmp_path, source, reason):
    found = warm.why_not(make_plan(tmp_path, source))
    assert reason in found
    assert bool(found) == bool(reason)


def test_warm_kernels_can_be_switched_off(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WARM", "0")
    assert warm.why_not(make_plan(tmp_path, "1")) == "COURSE_WARM=0"
