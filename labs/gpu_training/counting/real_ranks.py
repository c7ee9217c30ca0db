"""Counts jobs on ranks that really run, which is the test of the fake ones."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from labs.gpu_training.counting.jobs import Counted, Job, counted_from, job_from
from labs.gpu_training.launching.launcher import launch


def count(jobs: Sequence[Job], *, timeout_s: float = 120.0) -> list[Counted]:
    """Return what each job sends, computes and holds on rank 0, in one launch.

    Parameters
    ----------
    jobs
        All with the same number of ranks.
    timeout_s
        For the launch [s].

    Raises
    ------
    ValueError
        If there is no job, or their numbers of ranks differ.
    LaunchError
        If a rank fails.
    """
    sizes = {job.ranks for job in jobs}
    if len(sizes) != 1:
        raise ValueError(f"jobs have {sorted(sizes)} ranks; give jobs of one number of ranks")
    arguments = {"jobs": [asdict(job) for job in jobs]}
    launched = launch(count_all, world_size=sizes.pop(), arguments=arguments, timeout_s=timeout_s)
    return [counted_from(each) for each in launched.results[0]]


def count_all(jobs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Count jobs, given by their fields, on a rank that has been started."""
    from labs.gpu_training.counting.step import count_step, prepare  # noqa: PLC0415 - slow to load

    found = [job_from(each) for each in jobs]
    return [count_step(prepare(job), job).data() for job in found]
