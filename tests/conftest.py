"""What every test process needs: one thread, and a reason for each skip."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import psutil
import pytest

# No test depends on time: a busy machine may take seconds for an example.
hypothesis.settings.register_profile("course", deadline=None)
hypothesis.settings.load_profile("course")

ROOT = Path(__file__).parents[1]
START_LIMIT_S = 60.0

# Set before anything imports torch, and inherited by the kernels that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what the verbs of the Makefile choose."""
    parser.addoption("--preset", default="smoke", help="preset that the notebooks are run with")
    parser.addoption("--network", action="store_true", help="also run tests that use the network")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot do, with the reason."""
    if item.get_closest_marker("network") and not item.config.getoption("--network"):
        pytest.skip("uses the network; run with --network")
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no GPU that torch can use")
    if item.get_closest_marker("browser") and find_browser() is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")


def find_browser() -> str | None:
    """Return the path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="session")
def browser_path() -> str:
    """Path of Chromium, for tests marked ``browser``."""
    path = find_browser()
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    return path


class DaskCluster:
    """A scheduler and two workers over TLS, each with a process that looks after it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._processes: list[subprocess.Popen[bytes]] = []
        self._file = folder / "scheduler.json"
        place = ("--host", "tls://127.0.0.1", "--port", "0", "--no-dashboard")
        self._start("scheduler", *place, "--scheduler-file", str(self._file))
        self._wait_for(self._file)
        self.workers = [self.add_worker(name) for name in ("one", "two")]

    @property
    def address(self) -> str:
        return str(json.loads(self._file.read_text(encoding="utf-8"))["address"])

    def add_worker(self, name: str, **environment: str) -> "subprocess.Popen[bytes]":
        """Start a worker; return the process that looks after it."""
        options = ("--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--name", name)
        file = ("--scheduler-file", str(self._file))
        local = ("--local-directory", str(self._folder / name))
        return self._start("worker", *file, *options, *local, **environment)

    def kill(self, worker: "subprocess.Popen[bytes]") -> None:
        """Kill a worker with the process that would start it again; what it started lives on."""
        for process in (worker, *psutil.Process(worker.pid).children()):
            os.kill(process.pid, signal.SIGKILL)

    def runs(self) -> list[psutil.Process]:
        """Return what the workers have started."""
        workers = [each for each in self._processes[1:] if each.poll() is None]
        below = [child for each in workers for child in psutil.Process(each.pid).children()]
        return [run for child in below for run in child.children(recursive=True)]

    def close(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:  # Dask itself may wait, on a busy machine
                process.kill()
                process.wait()

    def _start(self, *words: str, **environment: str) -> "subprocess.Popen[bytes]":
        with (self._folder / f"{words[0]}-{len(self._processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *words],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=self._environment | environment,
            )
        self._processes.append(process)
        return process

    def _wait_for(self, path: Path) -> None:
        end_s = time.monotonic() + START_LIMIT_S
        while not path.exists():
            assert time.monotonic() < end_s, (self._folder / "scheduler-0.log").read_text()
            time.sleep(0.05)


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def start_dask(
    tls: dict[str, str],
) -> Callable[[Path], contextlib.AbstractContextManager[DaskCluster]]:
    """Return what starts a cluster that keeps its files in a folder, and lets this process in."""

    @contextlib.contextmanager
    def start(folder: Path) -> Iterator[DaskCluster]:
        import dask

        environment = os.environ | tls | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in tls.items():
                patch.setenv(name, value)
            dask.config.refresh()
            made = DaskCluster(folder, environment)
            try:
                yield made
            finally:
                made.close()
        dask.config.refresh()

    return start
