"""A job as it travels to a worker, and what the worker refuses; without a cluster."""

import pickle
from pathlib import Path

import nbformat
import pytest

from labs.engine.errors import RunError, UsageError
from labs.engine.runner import plan_run
from labs.engine.sweeps import cluster, remote
from labs.engine.sweeps.executors import Job
from labs.engine.sweeps.identity import origin_of


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A run of a notebook that reads a file."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell('file = ""', metadata={"tags": ["parameters"]})]
    nbformat.write(notebook, tmp_path / "toy.ipynb")
    (tmp_path / "data.txt").write_text("data")
    plan = plan_run(tmp_path / "toy.ipynb", {"file": str(tmp_path / "data.txt")})
    return Job("a", plan, tmp_path / "place", threads=1)


def packed(job: Job) -> remote.Task:
    origin = origin_of(job.plan, threads=job.threads)
    notebook = job.plan.notebook.read_bytes()
    made = remote.pack(job, notebook=notebook, origin=origin, topic="t")
    return pickle.loads(pickle.dumps(made))


def test_the_same_run_is_let_pass(job: Job, tmp_path: Path) -> None:
    task = packed(job)
    (tmp_path / "worker").mkdir()
    plan = remote._unpack(task, tmp_path / "worker")
    remote._check(task, plan)
    assert plan.notebook.read_bytes() == job.plan.notebook.read_bytes()
    assert plan.parameters == job.plan.parameters


def test_a_file_that_is_not_on_the_worker_is_refused(job: Job, tmp_path: Path) -> None:
    task = packed(job)
    (tmp_path / "data.txt").unlink()
    with pytest.raises(UsageError, match="a file that a parameter names is not there"):
        remote._check(task, job.plan)


def test_no_folder_of_the_asker_travels_but_what_a_parameter_names(job: Job) -> None:
    task = packed(job)
    assert task.job.place == Path()
    assert task.job.plan.notebook == Path("toy.ipynb")


def test_of_a_long_log_the_end_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "LOG_LIMIT_BYTES", 4)
    (tmp_path / "log.txt").write_bytes(b"abcdef")
    assert remote._tail(tmp_path / "log.txt") == b"cdef"


def test_a_place_that_cannot_be_written_is_one_line(job: Job) -> None:
    with pytest.raises(RunError, match=r"cannot write into .*place: No such file"):
        cluster._keep(job, remote.Done({}, {}, b""))
