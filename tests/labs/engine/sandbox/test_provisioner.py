"""Kernels behind walls as Jupyter's own tools use them, and without walls where there are none."""

import gc
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import papermill
import psutil
import pytest
from jupyter_client.manager import KernelManager

from labs.engine.sandbox import kernel, provisioner, starter
from labs.engine.sandbox.limits import MIB, Limits
from labs.engine.sandbox.provisioner import write_kernelspec

NAME = "walled"
WITHIN_S = 30.0
LIMITS = Limits(memory_bytes=256 * MIB, output_bytes=2 * MIB)


class Kernel:
    """A kernel and a client of it."""

    def __init__(self, name: str = NAME) -> None:
        self.manager = KernelManager(kernel_name=name)
        self.manager.start_kernel()
        self.connect()

    def connect(self) -> None:
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=WITHIN_S)

    def run(self, code: str, timeout_s: float = WITHIN_S) -> str:
        """What a cell shows: its text, the kinds of its pictures, the name of its error."""
        shown: list[str] = []

        def keep(message: dict[str, Any]) -> None:
            content = message["content"]
            shown.extend([content.get("text", ""), content.get("ename", "")])
            shown.extend(kind for kind in content.get("data", ()) if kind != "text/plain")

        self.client.execute_interactive(code, output_hook=keep, timeout=timeout_s)
        return "".join(shown).strip()

    def stop(self) -> None:
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def ends(self) -> bool:
        end_s = time.monotonic() + WITHIN_S
        while self.manager.is_alive() and time.monotonic() < end_s:
            time.sleep(0.01)
        return not self.manager.is_alive()


@pytest.fixture(autouse=True)
def finalised() -> Iterator[None]:
    """Finish here what nbclient leaves behind: in the middle of another test it does harm there."""
    yield
    gc.collect()


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernelspec with small limits, where only this test finds it."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    return write_kernelspec(tmp_path / "kernels", NAME, limits=LIMITS)


@pytest.fixture
def started(walls: None, spec: Path) -> Iterator[Callable[[], Kernel]]:
    kernels: list[Kernel] = []

    def start() -> Kernel:
        kernels.append(Kernel())
        return kernels[-1]

    yield start
    for each in kernels:
        each.stop()


def own_folders() -> list[Path]:
    return list(starter.runtime_folder().glob(f"k{os.getpid()}-*"))


def test_a_kernel_starts_behind_walls_and_leaves_nothing(started: Callable[[], Kernel]) -> None:
    kernel = started()
    assert kernel.run("import os; print(os.getpid(), os.getuid() != 0)") == "2 True"
    told = kernel.manager.provisioner.get_provisioner_info
    assert "own network" in kernel.manager.provisioner.walls
    assert told.__self__.walls == kernel.manager.provisioner.walls
    pid = kernel.manager.provisioner.pid
    assert psutil.pid_exists(pid)
    assert len(own_folders()) == 1
    kernel.stop()
    assert not psutil.pid_exists(pid)
    assert own_folders() == []


def test_what_notebooks_do_works(started: Callable[[], Kernel]) -> None:
    kernel = started()
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    assert kernel.run(plot) == "image/png"
    assert kernel.run("!echo shell").strip() == "shell"
    assert kernel.run("%%bash\necho cell") == "cell"
    code = "import subprocess as s; print(s.run(['echo', 'own'], capture_output=True).stdout)"
    assert kernel.run(code) == "b'own\\n'"
    assert kernel.run("1 / 0") == "ZeroDivisionError"
    assert kernel.run("await __import__('asyncio').sleep(0, 5)") == ""
    assert kernel.run("%matplotlib inline\nprint(get_ipython().__class__.__name__)") == (
        "ZMQInteractiveShell"
    )


def test_each_kernel_has_its_own_random_numbers(started: Callable[[], Kernel]) -> None:
    code = "import random, numpy, torch, tempfile\nprint(random.random(), numpy.random.rand(),"
    code += " torch.rand(1).item(), torch.initial_seed(), tempfile.mktemp())"
    one, two = (started().run(code).split() for _ in range(2))
    assert len(one) == 5
    assert not set(one) & set(two)


def test_interrupting_stops_a_cell_and_no_more(started: Callable[[], Kernel]) -> None:
    kernel = started()
    kernel.run("x = 5")
    busy = "print('busy', flush=True)\nwhile True: pass"
    kernel.client.execute(busy, stop_on_error=False)  # else the next cell may be dropped
    while "busy" not in kernel.client.get_iopub_msg(timeout=WITHIN_S)["content"].get("text", ""):
        pass
    kernel.manager.interrupt_kernel()
    while (reply := kernel.client.get_shell_msg(timeout=WITHIN_S)["content"])["status"] == "ok":
        pass
    assert reply["ename"] == "KeyboardInterrupt"
    assert kernel.run("print(x)") == "5"


def test_a_loop_that_cannot_be_interrupted_is_ended(started: Callable[[], Kernel]) -> None:
    kernel = started()
    loop = "while True:\n  try:\n    while True: pass\n  except BaseException: pass"
    kernel.client.execute(loop)
    pid = kernel.manager.provisioner.pid
    kernel.manager.interrupt_kernel()
    kernel.stop()
    assert not psutil.pid_exists(pid)


def test_a_restart_gives_a_fresh_kernel(started: Callable[[], Kernel]) -> None:
    kernel = started()
    kernel.run("x = 5; open('left', 'w').close()")
    kernel.manager.restart_kernel(now=True)
    kernel.client.stop_channels()
    kernel.connect()
    assert kernel.run("import os; print('x' in globals(), os.path.exists('left'))") == "False False"


def test_a_kernel_that_ends_itself_is_noticed(started: Callable[[], Kernel]) -> None:
    kernel = started()
    kernel.client.execute("import os; os._exit(0)")
    assert kernel.ends()


def test_daemons_end_with_the_kernel(started: Callable[[], Kernel]) -> None:
    kernel = started()
    command = "[sys.executable, '-S', '-c', 'import time; time.sleep(100)']"
    kernel.run(f"import subprocess, sys\nsubprocess.Popen({command}, start_new_session=True)")
    inside = psutil.Process(kernel.manager.provisioner.pid).children(recursive=True)
    assert len(inside) == 2
    kernel.stop()
    assert not psutil.wait_procs(inside, timeout=WITHIN_S)[1]


@pytest.mark.parametrize(
    "how", ["print('x' * 2**16, flush=True)", "import os; os.write(1, b'x' * 2**16)"]
)
def test_a_flood_of_output_ends_the_kernel(
    started: Callable[[], Kernel], caplog: pytest.LogCaptureFixture, how: str
) -> None:
    kernel = started()
    kernel.manager.provisioner.log = logging.getLogger("test")
    kernel.client.execute(f"while True: {how}")
    assert kernel.ends()
    assert "the kernel was ended because it wrote too much" in caplog.text


def notebook(path: Path, *cells: str) -> Path:
    content = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell, id=f"c{n}") for n, cell in enumerate(cells)],
        metadata={"kernelspec": {"name": NAME, "display_name": NAME, "language": "python"}},
    )
    nbformat.write(content, path)
    return path


def test_papermill_nbclient_and_nbval_use_it_unchanged(
    walls: None, spec: Path, tmp_path: Path
) -> None:
    path = notebook(tmp_path / "in.ipynb", "a = 2", "import os\nprint(a * 3, os.getpid())")
    executed = papermill.execute_notebook(
        path, tmp_path / "out.ipynb", {"a": 2}, progress_bar=False, kernel_name=NAME
    )
    assert executed.cells[-1].outputs[0].text == "6 2\n"
    again = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(again, kernel_name=NAME).execute()
    assert again.cells[-1].outputs[0].text == "6 2\n"
    nbformat.write(again, path)
    command = [sys.executable, "-m", "pytest", "-p", "nbval", "--nbval", path.name, "-q"]
    command += ["-p", "no:cacheprovider", f"--rootdir={tmp_path}", f"--nbval-kernel-name={NAME}"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "2 passed" in run.stdout, run.stdout
    assert own_folders() == []


def test_where_walls_are_missing_a_warning_says_so_and_limits_remain(
    spec: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(provisioner, "walls_missing", lambda: "namespaces are forbidden")
    cold = Kernel.__new__(Kernel)
    cold.manager = KernelManager(kernel_name=NAME, log=logging.getLogger("test"))
    try:
        cold.manager.start_kernel()
        cold.connect()
        assert "this kernel runs without walls" in caplog.text
        assert "namespaces are forbidden" in caplog.text
        assert cold.manager.provisioner.walls == ()
        code = "import resource; print(resource.getrlimit(resource.RLIMIT_FSIZE)[1])"
        if sys.platform != "win32":
            assert cold.run(code) == str(LIMITS.file_bytes)
    finally:
        cold.stop()


def test_a_kernelspec_says_what_it_starts(tmp_path: Path) -> None:
    path = write_kernelspec(tmp_path, "x", limits=LIMITS, read_only=[tmp_path], preload=["json"])
    content = json.loads(path.read_text())
    stanza = content["metadata"]["kernel_provisioner"]
    assert stanza["provisioner_name"] == "course-sandbox"
    assert Limits(**stanza["config"]["limits"]) == LIMITS
    assert stanza["config"]["read_only"] == [str(tmp_path)]
    assert stanza["config"]["preload"] == ["json"]
    assert content["argv"][0] == sys.executable


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_command_limits_itself_before_it_runs() -> None:
    import resource

    code = "import resource as r; print(r.getrlimit(r.RLIMIT_DATA)[0], r.getrlimit(r.RLIMIT_CORE))"
    command = kernel.limited([sys.executable, "-S", "-c", code], asdict(LIMITS))
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    data_bytes = LIMITS.memory_bytes + kernel.COLD_BASE_BYTES
    assert run.stdout.split() == [str(data_bytes), "(0,", "0)"]
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] != data_bytes
