"""Grading on a cluster: a real scheduler and two workers over TLS on this machine."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from grading.assessing import cluster
from grading.assessing.batch import Order, Roll, grade_all, survey
from grading.assessing.keys import Settings
from grading.assessing.workers import LocalWorkers
from grading.cohort import make_cohort
from grading.course import read_course
from grading.store import Store
from grading.submissions import read_submissions
from labs.engine.errors import UsageError
from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.limits import Limits

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.xdist_group("cluster")
QUICK = ("c01-right", "c02-partly-right", "c03-blank", "c09-deleted-cells", "c12-own-ways")
START_LIMIT_S = 60.0


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://10.0.0.7:8786", "not encrypted"),
        ("tcp://node7:8786", "--trust-network"),
        ("http://node7:80", "tls://HOST:PORT"),
        ("node7", "tls://HOST:PORT"),
        ("tls://node7", "tls://HOST:PORT"),
        ("tls://node7:notaport", "tls://HOST:PORT"),
        ("tls://[::1", "tls://HOST:PORT"),
    ],
)
def test_an_address_that_must_not_be_used_is_refused(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        cluster.check_address(address, trust_network=False)


@pytest.mark.parametrize("address", ["tls://node7:8786", "tcp://127.0.0.1:1", "tcp://[::1]:8786"])
def test_an_address_that_may_be_used(address: str) -> None:
    cluster.check_address(address, trust_network=False)


def test_a_network_can_be_trusted() -> None:
    cluster.check_address("tcp://10.0.0.7:8786", trust_network=True)


class DaskCluster:
    """A scheduler and two workers, each with a worker process below it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._processes: list[subprocess.Popen[bytes]] = []
        self._file = folder / "scheduler.json"
        place = ("--host", "tls://127.0.0.1", "--port", "0", "--no-dashboard")
        self._start("scheduler", *place, "--scheduler-file", str(self._file))
        self._wait_for(self._file)
        self.workers = [self._worker(name) for name in ("one", "two")]

    @property
    def address(self) -> str:
        return str(json.loads(self._file.read_text(encoding="utf-8"))["address"])

    def kill_one(self) -> None:
        """Kill the first worker with the process that would start it again."""
        self.workers[0].send_signal(signal.SIGKILL)

    def close(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            process.wait(30)

    def _worker(self, name: str) -> subprocess.Popen[bytes]:
        options = ("--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--name", name)
        file = ("--scheduler-file", str(self._file))
        local = ("--local-directory", str(self._folder / name))
        return self._start("worker", *file, *options, *local)

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{words[0]}-{len(self._processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *words],
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=self._environment,
            )
        self._processes.append(process)
        return process

    def _wait_for(self, path: Path) -> None:
        end_s = time.monotonic() + START_LIMIT_S
        while not path.exists():
            assert time.monotonic() < end_s, (self._folder / "scheduler-0.log").read_text()
            time.sleep(0.05)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Dask's settings for a certificate that signs itself, as environment variables."""
    from distributed.security import Security

    folder = tmp_path_factory.mktemp("tls")
    made = Security.temporary()
    (folder / "authority.pem").write_text(made.tls_ca_file, encoding="ascii")
    own = f"{made.tls_client_cert}\n{made.tls_client_key}"
    (folder / "own.pem").write_text(own, encoding="ascii")
    prefix = "DASK_DISTRIBUTED__COMM__TLS__"
    settings = {f"{prefix}{who}__CERT": str(folder / "own.pem") for who in ("SCHEDULER", "WORKER")}
    return {
        **settings,
        f"{prefix}CLIENT__CERT": str(folder / "own.pem"),
        f"{prefix}CA_FILE": str(folder / "authority.pem"),
        "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "true",
    }


@pytest.fixture
def dask_cluster(
    tls: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DaskCluster]:
    import dask

    environment = os.environ | tls | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    for name, value in tls.items():
        monkeypatch.setenv(name, value)
    before = dask.config.config
    dask.config.refresh()
    made = DaskCluster(tmp_path, environment)
    yield made
    made.close()
    dask.config.config = before


def assessments(folder: Path, submissions: Path, executor: object, watch: object = None) -> dict:
    course = read_course(ROOT)
    lab = course.lab("quickstart")
    exercises = tuple(exercise.id for exercise in course.exercises(lab))
    settings = Settings(exercises, "default", Limits())
    handed_in = read_submissions(submissions, lab=lab, secret=b"s" * 32)
    with Store(folder) as store:
        handed = survey(handed_in)
        order = Order(course, lab, settings)
        roll = Roll(handed_in, handed, {})
        grade_all(store, order, roll=roll, executor=executor, progress=watch or (lambda *_: None))
        return {name: store.entry(name) for name in sorted(store.keys())}


@pytest.mark.skipif(walls_missing() is not None, reason=f"no walls here: {walls_missing()}")
def test_a_cluster_gives_the_grades_of_this_machine_though_a_worker_is_killed(
    dask_cluster: DaskCluster, tmp_path: Path
) -> None:
    lab = read_course(ROOT).lab("quickstart")
    make_cohort(lab, tmp_path / "all")
    for name in QUICK:
        for copy in "ab":
            shutil.copytree(tmp_path / "all" / name, tmp_path / "cohort" / f"{name}-{copy}")

    def kill_after_two(done: int, _: int) -> None:
        if done == 2:
            dask_cluster.kill_one()

    with cluster.Cluster(dask_cluster.address) as executor:
        there = assessments(tmp_path / "there", tmp_path / "cohort", executor, kill_after_two)
    with LocalWorkers(1) as executor:
        here = assessments(tmp_path / "here", tmp_path / "cohort", executor)
    assert there == here
    assert len(there) == 2 * len(QUICK)
