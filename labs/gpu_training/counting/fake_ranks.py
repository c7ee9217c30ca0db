"""Counts jobs for many ranks on this machine, none of which exists but one, and that without data.

A process of its own joins a process group whose collectives do nothing, and computes with tensors
that have shapes but no memory. Torch then splits, gathers and reduces as on a cluster, and what
it does can be counted. Neither times nor values come from this. The notebook itself never imports
the fake parts: they are torch's tools for its own tests, and change a process for good.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict

from labs.engine.catalog import LABS_ROOT
from labs.gpu_training.counting.jobs import Counted, Job, counted_from, job_from

TIMEOUT_S = 300.0
WORDS = 2000


class FakeRanksError(RuntimeError):
    """The process that counts failed; says why."""


def count(jobs: Sequence[Job], *, timeout_s: float = TIMEOUT_S) -> list[Counted]:
    """Return what each job sends, computes and holds, in a step on its rank 0.

    Parameters
    ----------
    jobs
        Counted one after the other in one process.
    timeout_s
        For all of them [s].

    Raises
    ------
    FakeRanksError
        If a job could not be counted, or not in time.
    """
    command = [sys.executable, "-m", "labs.gpu_training.counting.fake_ranks"]
    asked = json.dumps([asdict(job) for job in jobs])
    try:
        done = subprocess.run(
            command,
            input=asked,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired as err:
        raise FakeRanksError(
            f"{len(jobs)} jobs were not counted within {timeout_s:g} s; count fewer or smaller ones"
        ) from err
    if done.returncode:
        raise FakeRanksError(f"the jobs could not be counted: {done.stderr.strip()[-WORDS:]}")
    return [counted_from(each) for each in json.loads(done.stdout)]


def _environment() -> dict[str, str]:
    paths = [str(LABS_ROOT.parent), os.environ.get("PYTHONPATH", "")]
    return (
        {"OMP_NUM_THREADS": "1"} | os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    )


def count_here(job: Job) -> Counted:
    """Count one job in this process, which takes part in a fake process group meanwhile."""
    # The fake parts, which `count` keeps out of the notebook's process, and what is slow to load.
    from torch import distributed as dist  # noqa: PLC0415
    from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: PLC0415
    from torch.testing._internal.distributed.fake_pg import FakeStore  # noqa: PLC0415

    from labs.gpu_training.counting.step import count_step, prepare  # noqa: PLC0415

    dist.init_process_group("fake", rank=0, world_size=job.ranks, store=FakeStore())
    try:
        model = prepare(job)  # a mesh reads real numbers, so it is made outside of the fake mode
        with FakeTensorMode(allow_non_fake_inputs=True):
            return count_step(model, job)
    finally:
        dist.destroy_process_group()


def main() -> None:
    """Count the jobs that come by standard input; write the counts to standard output."""
    jobs = [job_from(each) for each in json.loads(sys.stdin.read())]
    sys.stdout.write(json.dumps([count_here(job).data() for job in jobs]))


if __name__ == "__main__":
    main()
