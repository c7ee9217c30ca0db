"""Runs on a cluster: a real scheduler and two workers over TLS on this machine."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from course_utils.records import read_record
from labs.engine.errors import RunError, UsageError
from labs.engine.parameters import read_notebook
from labs.engine.runner import Plan, execute, plan_run
from labs.engine.sweeps import cluster, identity
from labs.engine.sweeps.cluster import DaskCluster
from labs.engine.sweeps.executors import Job

ROOT = Path(__file__).parents[4]
pytestmark = pytest.mark.xdist_group("cluster")
ENDS_WITHIN_S = 60.0
CELLS = (
    """\
import os, time
print(os.environ["OMP_NUM_THREADS"], os.environ["PYTHONHASHSEED"], hash("a"))
if kills_worker:
    import psutil, signal
    kernel, run, worker, *_ = [os.getpid(), *(p.pid for p in psutil.Process().parents())]
    os.kill(worker, signal.SIGKILL)
time.sleep(pause_s)""",
    """\
from course_utils import records
share = 1 / x
records.show_results(data="none", x_squared=records.counted(x * x))""",
)
PARAMETERS = "x = 1  # any\nseed = 0\npause_s = 0.0  # [s]\nkills_worker = False  # that it is on"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Plan of a quick notebook."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        *map(nbformat.v4.new_code_cell, CELLS),
    ]
    path = tmp_path_factory.mktemp("notebook") / "toy.ipynb"
    nbformat.write(notebook, path)
    return plan_run(path)


@pytest.fixture(scope="module")
def dask_cluster(
    start_dask: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    with start_dask(tmp_path_factory.mktemp("dask")) as made:
        yield made


def silent(*_: object) -> None:
    """Watch nothing."""


def jobs(plan: Plan, folder: Path, settings: Sequence[dict[str, Any]], **more: Any) -> list[Job]:
    made = []
    for number, setting in enumerate(settings):
        place = folder / str(number)
        place.mkdir(parents=True)
        made.append(Job(str(number), plan.varied(setting), place, threads=1, **more))
    return made


def table(records: Sequence[dict[str, Any]]) -> list[Any]:
    """Return what does not depend on the machine."""
    return [
        (r["parameters"], r["status"], r["results"], r["provenance"].get("error")) for r in records
    ]


def printed(notebook: Path) -> list[str]:
    cells = read_notebook(notebook)["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return [str(output["text"]) for output in outputs if output["output_type"] == "stream"]


def wait_until(is_so: Callable[[], object]) -> None:
    end_s = time.monotonic() + ENDS_WITHIN_S
    while not is_so():
        assert time.monotonic() < end_s, "not within the time"
        time.sleep(0.1)


def test_a_cluster_gives_the_table_of_this_machine_though_a_worker_is_killed(
    dask_cluster: Any, plan: Plan, tmp_path: Path
) -> None:
    """One setting fails, with the same cell and reason at both places."""
    settings = [{"x": x, "pause_s": 0.5} for x in (2, 0, 3)]
    third = dask_cluster.add_worker("three")
    asked = jobs(plan, tmp_path / "there", settings)
    started: list[tuple[str, int, int]] = []

    with DaskCluster(dask_cluster.address) as executor:
        wait_until(lambda: executor._look() or executor.slots == 3)
        orphans: list[psutil.Process] = []

        def kill_third(*told: Any) -> None:
            started.append(told)
            if told[1] == 2 and third.poll() is None:  # the cell that pauses
                worker = psutil.Process(third.pid).children()
                orphans.extend(run for each in worker for run in each.children(recursive=True))
                dask_cluster.kill(third)
                third.wait()

        ended = list(executor.run(iter(asked), watch=kill_third))
    assert orphans
    wait_until(lambda: not any(orphan.is_running() for orphan in orphans))
    assert sorted(each.run_id for each in ended) == ["0", "1", "2"]
    there = [read_record(job.place / "notebook.json") for job in asked]
    here = [
        execute(job.plan, output=job.place / "notebook.ipynb")
        for job in jobs(plan, tmp_path / "here", settings)
    ]
    assert table(there) == table(here)
    assert [record["status"] for record in there] == ["ok", "failed", "ok"]
    for job in asked:
        same = tmp_path / "here" / job.run_id / "notebook.ipynb"
        assert printed(job.place / "notebook.ipynb") == printed(same)
        assert (job.place / "log.txt").is_file()
    assert {(cell, of) for _, cell, of in started} == {(0, 0), (1, 4), (2, 4), (3, 4), (4, 4)}


def test_closing_the_iterator_leaves_no_process_on_the_workers(
    dask_cluster: Any, plan: Plan, tmp_path: Path
) -> None:
    asked = jobs(plan, tmp_path, [{"x": 1}, {"pause_s": 600.0}, {"pause_s": 600.0, "x": 2}])
    with DaskCluster(dask_cluster.address) as executor:
        running = executor.run(asked, watch=silent)
        assert next(running).run_id == "0"
        wait_until(dask_cluster.runs)
        running.close()
        wait_until(lambda: not dask_cluster.runs())
    assert [(job.place / "notebook.json").exists() for job in asked] == [True, False, False]


ASKER = """\
import sys
from pathlib import Path
from labs.engine.runner import plan_run
from labs.engine.sweeps.cluster import DaskCluster
from labs.engine.sweeps.executors import Job
address, notebook, place = sys.argv[1:]
with DaskCluster(address) as executor:
    job = Job("a", plan_run(notebook, {"pause_s": 600}), Path(place), threads=1)
    list(executor.run([job], watch=lambda *told: print(*told, flush=True)))
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_runs_end_when_the_one_who_asked_is_gone(
    dask_cluster: Any, plan: Plan, tmp_path: Path, ending: signal.Signals
) -> None:
    words = [dask_cluster.address, str(plan.notebook), str(tmp_path)]
    asker = subprocess.Popen(
        [sys.executable, "-c", ASKER, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert asker.stdout is not None
    with asker, asker.stdout as told:
        for line in told:
            if line == b"a 2 4\n":
                break
        assert dask_cluster.runs()
        asker.send_signal(ending)
    wait_until(lambda: not dask_cluster.runs())
    assert not list(tmp_path.iterdir())


def test_a_late_run_is_ended_there(dask_cluster: Any, plan: Plan, tmp_path: Path) -> None:
    asked = jobs(plan, tmp_path, [{"pause_s": 600.0}], timeout_s=3.0)
    with DaskCluster(dask_cluster.address) as executor:
        (ended,) = executor.run(asked, watch=silent)
        assert not dask_cluster.runs()
    assert ended.record["provenance"]["error"]["name"] == "TimeoutError"
    assert read_record(tmp_path / "0" / "notebook.json") == ended.record


def test_a_run_over_which_workers_get_lost_is_a_failed_record(
    dask_cluster: Any, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "LOSSES", 2)
    asked = jobs(plan, tmp_path, [{"kills_worker": True}, {"x": 5}])
    with DaskCluster(dask_cluster.address) as executor:
        ended = {each.run_id: each.record for each in executor.run(asked, watch=silent)}
    assert "2 workers of the cluster were lost" in ended["0"]["provenance"]["error"]["message"]
    assert read_record(tmp_path / "0" / "notebook.json") == ended["0"]
    assert ended["1"]["results"]["x_squared"]["value"] == 25


def test_a_worker_with_other_code_is_not_used(
    dask_cluster: Any, plan: Plan, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(ROOT / "course_utils", tmp_path / "other" / "course_utils")
    with (tmp_path / "other" / "course_utils" / "units.py").open("a") as file:
        file.write("\n")
    path = os.pathsep.join([str(tmp_path / "other"), str(ROOT)])
    other = dask_cluster.add_worker("other", PYTHONPATH=path)
    asked = jobs(plan, tmp_path / "runs", [{"x": x} for x in (1, 2, 3)])
    with DaskCluster(dask_cluster.address) as executor, caplog.at_level(logging.WARNING, "labs"):
        wait_until(lambda: executor._look() or executor.slots == 3)
        ended = list(executor.run(asked, watch=silent))
        assert executor.slots == 2
    other.terminate()
    other.wait()
    assert [each.record["status"] for each in ended] == ["ok"] * 3
    (said,) = [each.message for each in caplog.records if each.name == "labs"]
    assert said.endswith("is not used: it has other code of course_utils")


def test_a_cluster_of_other_versions_is_refused_in_one_line(
    dask_cluster: Any, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "versions", lambda: {"python": "2.7"})
    (job,) = jobs(plan, tmp_path, [{"x": 1}])
    with (
        DaskCluster(dask_cluster.address) as executor,
        pytest.raises(RunError, match=r"no worker for this: .* is not used: it has .*, not 2\.7"),
    ):
        list(executor.run([job], watch=silent))
    assert not list(job.place.iterdir())


def test_an_address_that_is_not_encrypted_is_refused() -> None:
    with pytest.raises(UsageError, match="not encrypted"):
        DaskCluster("tcp://node7:8786")
    DaskCluster("tcp://node7:8786", trust_network=True)
