"""The open check of exercise 2.13: five small jobs that never ran, one of each kind."""

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student
from labs.gpu_training.faults.evidence import Evidence, invent
from labs.gpu_training.faults.jobs import JOBS


def judge(student: Student, found: Evidence, *, job: str, what: str) -> None:
    """Assert that a job is diagnosed as what it is."""
    got = student.diagnose(found)
    assert got == job, f"{what} is {job!r}; yours says {got!r}"


@check(
    "2.13",
    sentence='`"summed gradients"`: the optimiser gets the sum over the ranks for their mean, in '
    "every bucket and step.",
)
def one_job_of_each_kind(student: Student, rng: np.random.Generator) -> None:
    """Diagnose five jobs of two ranks."""
    jobs = {job: invent(job, rng) for job in JOBS}
    evidence.table([{"job": job, "yours": student.diagnose(found)} for job, found in jobs.items()])
    for job, found in jobs.items():
        judge(student, found, job=job, what="a job of two ranks and four steps")
