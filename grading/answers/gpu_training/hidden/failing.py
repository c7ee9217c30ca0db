"""The hidden checks of exercises 2.16 and 2.17: the same sentences, other inputs."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student, ranks
from labs.gpu_training.checkpoints import as_tensors
from labs.gpu_training.checks.failing import (
    RELATIVE,
    judge_parts,
    judge_share,
    judge_weights,
    make_job,
    move,
    other_parts,
    weights,
)


@check(
    "2.16",
    sentence="After `unpack`, weights, optimiser, schedule, generator, `step` and `position` "
    "of the new job are those of the packed one.",
)
def a_job_that_had_gone_further(student: Student, rng: np.random.Generator) -> None:
    here, there = ranks(student, 2)
    seed = int(rng.integers(1000))
    old, new = make_job(here, seed=seed), make_job(there, seed=seed + 1)
    old.method("advance", 14)  # the text, of 400 characters, has begun anew
    new.method("advance", 2)
    there.unpack(new, as_tensors(here.pack(old)))
    judge_parts(other_parts(there, new, than=old))


@check(
    "2.16",
    sentence="Advanced by as many steps, the new job and one that was never disturbed agree "
    "bit for bit.",
    weight=2.0,
)
def moved_at_another_step(student: Student, rng: np.random.Generator) -> None:
    seed, before, after = (int(rng.integers(*ends)) for ends in ((1000, 2000), (9, 12), (3, 6)))
    move(student, seed=seed, before=before, after=after)


@check(
    "2.16",
    sentence="Advanced by as many steps, the new job and one that was never disturbed agree "
    "bit for bit.",
)
def moved_before_the_first_step(student: Student, rng: np.random.Generator) -> None:
    move(student, seed=int(rng.integers(1000)), before=0, after=3)


@check("2.16", sentence="What is packed stays as it is while its job goes on.")
def packed_data_of_a_job_that_goes_on(student: Student, rng: np.random.Generator) -> None:
    seed = int(rng.integers(1000))
    old, new, witness = (make_job(student, seed=each) for each in (seed, seed + 1, seed))
    for job in (old, witness):
        job.method("advance", 5)
    packed = student.pack.keep(old)
    old.method("advance", 2)
    student.unpack(new, packed)
    judge_parts(other_parts(student, new, than=witness))
    for job in (new, witness):
        job.method("advance", 3)
    judge_weights(weights(new), weights(witness), what="packed, gone on, unpacked")


@check(
    "2.16",
    sentence="The same packed state can be unpacked again, after the job it first went into "
    "has gone on.",
)
def unpacked_twice(student: Student, rng: np.random.Generator) -> None:
    seed = int(rng.integers(1000))
    jobs = [make_job(student, seed=seed + each) for each in range(3)]
    jobs[0].method("advance", 4)
    packed = student.pack.keep(jobs[0])
    for job in jobs[1:]:  # the first goes on before the second gets it
        student.unpack(job, packed)
        job.method("advance", 3)
    judge_weights(weights(jobs[2]), weights(jobs[1]), what="unpacked for the second time")


@check(
    "2.17",
    sentence="Every piece of work but the last is followed by a save; at a failure, what was "
    "done since the last whole save is lost.",
)
def no_failure_and_many(student: Student, rng: np.random.Generator) -> None:
    judge_share(student.goodput(12.0, 3.0, 0.5, 1.0, []), 12 / 13.5, what="4 pieces, 3 saves")
    judge_share(student.goodput(5.0, 8.0, 1.0, 1.0, []), 1.0, what="a job of one piece")
    # 0-4 work, 4-4.5 save, 4.5-6 lost, restart to 7, 7-11 work, 11-11.5 save, 11.5-15 lost,
    # restart to 16, 16-20 the rest.
    judge_share(student.goodput(12.0, 4.0, 0.5, 1.0, [6.0, 15.0]), 12 / 20, what="two failures")
    # Nothing is saved at 3: all of it again, from 4 on.
    judge_share(student.goodput(6.0, 4.0, 1.0, 1.0, [3.0]), 6 / 11, what="before the first save")


@check(
    "2.17",
    sentence="A failure during a save or a restart counts as well, and the restart begins anew.",
)
def failures_in_saves_and_restarts(student: Student, rng: np.random.Generator) -> None:
    # The save that began at 4 fails at 4.5: restarts at 4.5, 5 and 6, the last until 8; 8-12 work,
    # -13 save, 13-15 work.
    got = student.goodput(6.0, 4.0, 1.0, 2.0, [4.5, 5.0, 6.0])
    judge_share(got, 6 / 15, what="a failure in the save, two in restarts")


@check(
    "2.17",
    sentence="A failure at the very moment at which a save or the work ends takes nothing of "
    "it away, and failures after the end do not count.",
)
def failures_at_the_end_of_something(student: Student, rng: np.random.Generator) -> None:
    # The save ends at 5, and the failure costs a restart alone: 6-10, 10-11, 11-12 ends the work.
    got = student.goodput(9.0, 4.0, 1.0, 1.0, [5.0])
    judge_share(got, 9 / 12, what="a failure as the save ends")
    got = student.goodput(6.0, 4.0, 1.0, 1.0, [7.0, 8.0, 90.0])
    judge_share(got, 6 / 7, what="failures as the work ends, and after it")


@check(
    "2.17",
    sentence="The interval is the square root of twice the time of a save times the mean "
    "time between failures of the job: that of one rank over the number of ranks.",
)
def other_jobs(student: Student, rng: np.random.Generator) -> None:
    for _ in range(3):
        save_s, mtbf_s, number = (
            rng.uniform(5, 90),
            rng.uniform(1e5, 1e8),
            int(rng.integers(8, 999)),
        )
        want = float(np.sqrt(2 * save_s * mtbf_s / number))
        got = float(np.asarray(student.checkpoint_interval_s(float(save_s), float(mtbf_s), number)))
        assert abs(got - want) <= RELATIVE * want, (
            f"{number} ranks that fail every {mtbf_s:.6g} s each, {save_s:.6g} s a save: the "
            f"interval is {want:.6g} s; you have {got:.6g}"
        )
