"""The open checks of exercises 2.16 and 2.17: a job that moves, failures by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Handle, Student, StudentFunction, ranks
from labs.gpu_training import failing
from labs.gpu_training.checkpoints import as_tensors

JOB = "labs.gpu_training.failing:small_job"
FINGERPRINTS = "labs.gpu_training.failing:fingerprints"
# Divisions and square roots of float64; a job of another time is off by parts in a hundred.
RELATIVE = 1e-9
# The grader's own job may run with other threads: rounding moves a weight by about 1e-6 of the
# largest one in a few steps of AdamW, anything forgotten by parts in a thousand.
OWN_RELATIVE = 1e-4


def make_job(student: Student, *, seed: int) -> Handle:
    """Return a small job that lives where the student's code runs."""
    return StudentFunction(student, JOB).keep(seed=seed)


def weights(job: Handle) -> dict[str, Any]:
    """Return the weights of such a job."""
    return {str(name): np.asarray(value) for name, value in job.method("weights").items()}


def other_parts(student: Student, job: Handle, *, than: Handle) -> list[str]:
    """Return the parts of a job's state that differ from another's; the jobs may live apart."""
    ours = StudentFunction(student, FINGERPRINTS)(job)
    theirs = StudentFunction(than.student, FINGERPRINTS)(than)
    return [name for name in theirs if ours[name] != theirs[name]]


def judge_parts(other: Sequence[str]) -> None:
    """Assert that no part of the state differs."""
    assert not other, f"the new job's state is not the packed one's in: {', '.join(other)}"


def judge_weights(got: dict[str, Any], want: dict[str, Any], *, what: str) -> None:
    """Assert that two jobs have the same bits in all weights."""
    off = max(float(np.abs(got[name] - want[name]).max()) for name in want)
    assert off == 0, f"{what}: the weights should agree bit for bit; they differ by up to {off:.2g}"


def judge_own(got: dict[str, Any], *, seed: int, steps: int) -> None:
    """Assert that a job is one of ours, trained for so many steps in one go."""
    job = failing.small_job(seed)
    job.advance(steps)
    for name, want in job.weights().items():
        off = float(np.abs(got[name] - want).max())
        assert off <= OWN_RELATIVE * float(np.abs(want).max()), (
            f"the undisturbed job itself is not the course's: {name} is off by {off:.2g}"
        )


def move(student: Student, *, seed: int, before: int, after: int) -> None:
    """Move a job to another process after some steps, let both go on, and compare."""
    here, there = ranks(student, 2)
    old, new = make_job(here, seed=seed), make_job(there, seed=seed + 1)
    old.method("advance", before)
    there.unpack(new, as_tensors(here.pack(old)))
    for job in (old, new):
        job.method("advance", after)
    judge_own(weights(old), seed=seed, steps=before + after)
    what = f"moved after {before} steps, {after} steps later"
    judge_weights(weights(new), weights(old), what=what)


def judge_share(got: object, want: float, *, what: str) -> None:
    """Assert a goodput, told with the whole time that it means."""
    have = float(np.asarray(got, dtype=np.float64))
    assert abs(have - want) <= RELATIVE * want, (
        f"{what}: the goodput is {want:.6g}; yours is {have:.6g}"
    )


@check(
    "2.16",
    sentence="After `unpack`, weights, optimiser, schedule, generator, `step` and `position` "
    "of the new job are those of the packed one.",
    weight=1.5,
)
def every_part_arrives(student: Student, rng: np.random.Generator) -> None:
    """Move a job's state to another process and compare part by part."""
    here, there = ranks(student, 2)
    old, new = make_job(here, seed=3), make_job(there, seed=4)
    old.method("advance", 3)
    there.unpack(new, as_tensors(here.pack(old)))
    other = other_parts(there, new, than=old)
    names = StudentFunction(here, FINGERPRINTS)(old)
    evidence.table(
        [{"part of the state": name, "arrived": "no" if name in other else "yes"} for name in names]
    )
    judge_parts(other)


@check(
    "2.16",
    sentence="Advanced by as many steps, the new job and one that was never disturbed agree "
    "bit for bit.",
    weight=1.5,
)
def five_more_steps(student: Student, rng: np.random.Generator) -> None:
    """Move a job after 4 steps; both train for 5 more."""
    move(student, seed=7, before=4, after=5)


@check("2.16", sentence="What is packed stays as it is while its job goes on.")
def packed_and_left_alone(student: Student, rng: np.random.Generator) -> None:
    """Pack, let the same job go on, then unpack into another one of the same process."""
    old, new = make_job(student, seed=5), make_job(student, seed=6)
    witness = make_job(student, seed=5)
    for job in (old, witness):
        job.method("advance", 2)
    packed = student.pack.keep(old)
    old.method("advance", 3)
    student.unpack(new, packed)
    other = other_parts(student, new, than=witness)
    assert not other, (
        f"packed after 2 steps, the job then took 3 more, and so did what was packed: "
        f"{', '.join(other)}; pack copies"
    )


@check(
    "2.17",
    sentence="Every piece of work but the last is followed by a save; at a failure, what was "
    "done since the last whole save is lost.",
)
def one_failure(student: Student, rng: np.random.Generator) -> None:
    """Do 10 s of work in pieces of 4 s, a save takes 1 s, a restart 2 s; a failure comes at 7 s."""
    got = student.goodput(10.0, 4.0, 1.0, 2.0, [7.0])
    evidence.table(
        [
            {"from [s]": 0, "to [s]": 4, "what": "work", "saved afterwards [s]": 0},
            {"from [s]": 4, "to [s]": 5, "what": "save", "saved afterwards [s]": 4},
            {"from [s]": 5, "to [s]": 7, "what": "work, lost", "saved afterwards [s]": 4},
            {"from [s]": 7, "to [s]": 9, "what": "restart", "saved afterwards [s]": 4},
            {"from [s]": 9, "to [s]": 13, "what": "work", "saved afterwards [s]": 4},
            {"from [s]": 13, "to [s]": 14, "what": "save", "saved afterwards [s]": 8},
            {"from [s]": 14, "to [s]": 16, "what": "work, the last", "saved afterwards [s]": 8},
        ]
    )
    judge_share(got, 10 / 16, what="10 s of work take 16 s with a failure at 7 s")


@check(
    "2.17",
    sentence="A failure during a save or a restart counts as well, and the restart begins anew.",
)
def a_failure_while_restarting(student: Student, rng: np.random.Generator) -> None:
    """Fail at 7 s, and again at 8 s, while the job restarts."""
    got = student.goodput(10.0, 4.0, 1.0, 2.0, [7.0, 8.0])
    judge_share(
        got, 10 / 17, what="failures at 7 s and 8 s: the restart ends at 10 s, the job at 17"
    )


@check(
    "2.17",
    sentence="The interval is the square root of twice the time of a save times the mean "
    "time between failures of the job: that of one rank over the number of ranks.",
)
def an_hour_for_four_ranks(student: Student, rng: np.random.Generator) -> None:
    """Take 50 s a save and 4 h between failures of a rank: one an hour with 4 ranks."""
    got = float(np.asarray(student.checkpoint_interval_s(50.0, 4 * 3600.0, 4), dtype=np.float64))
    assert abs(got - 600) <= RELATIVE * 600, (
        f"the square root of 2 x 50 s x 3,600 s is 600 s; you have {got:.6g}"
    )
