"""The hidden checks of exercise 2.13: other ranks, steps and buckets, and healthy coincidences."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.gpu_training.checks.faults import judge
from labs.gpu_training.faults.evidence import invent
from labs.gpu_training.faults.jobs import DROPOUT, HEALTHY, JOBS, SHARD, STALE, SUM


def _sizes(rng: np.random.Generator) -> list[dict[str, int]]:
    sizes = [{"ranks": 2, "steps": 2, "buckets": 2}, {"ranks": 8, "steps": 12, "buckets": 5}]
    drawn = rng.integers(3, 7, 3).tolist()
    return [*sizes, dict(zip(("ranks", "steps", "buckets"), drawn))]


@check("2.13", sentence='`"same shard"`: every rank trains on the same sequences, in every step.')
def the_same_shard(student: Student, rng: np.random.Generator) -> None:
    for size in _sizes(rng):
        for dropout in (0.1, 0.0):
            judge(student, invent(SHARD, rng, dropout=dropout, **size), job=SHARD, what=f"{size}")
    found = invent(HEALTHY, rng, ranks=4)
    found["batches"][1] = list(found["batches"][3])
    judge(
        student, found, job=HEALTHY, what="one where two of four ranks have the same batches, whole"
    )


@check(
    "2.13",
    sentence='`"shared dropout"`: every rank drops at the same places, in every step; with a '
    "dropout of 0 nothing is dropped, and nothing is wrong.",
)
def shared_dropout(student: Student, rng: np.random.Generator) -> None:
    for size in _sizes(rng):
        judge(student, invent(DROPOUT, rng, **size), job=DROPOUT, what=f"{size}")
        judge(student, invent(HEALTHY, rng, dropout=0.0, **size), job=HEALTHY, what=f"{size}")


@check(
    "2.13",
    sentence='`"summed gradients"`: the optimiser gets the sum over the ranks for their mean, in '
    "every bucket and step.",
)
def summed_gradients(student: Student, rng: np.random.Generator) -> None:
    for size in _sizes(rng):
        found = invent(SUM, rng, **size)
        judge(student, found, job=SUM, what=f"{size}")
        found["applied"] *= rng.uniform(1 - 9e-4, 1 + 9e-4, found["applied"].shape)
        judge(student, found, job=SUM, what="one with rounding")


@check(
    "2.13",
    sentence='`"stale bucket"`: from the second step on, the optimiser gets for one bucket the '
    "mean of the step before.",
)
def stale_bucket(student: Student, rng: np.random.Generator) -> None:
    for size in _sizes(rng) * 3:
        judge(student, invent(STALE, rng, **size), job=STALE, what=f"{size}")
    found = invent(STALE, rng, ranks=3, steps=3, buckets=3)
    late = int(np.abs(found["applied"] / found["expected"] - 1).max(axis=0).argmax())
    found["applied"][2, late] = 3 * found["expected"][2, late]
    found["expected"][1, late] = found["applied"][2, late]
    judge(
        student, found, job=STALE, what="one whose gradient was three times as long a step before"
    )


@check(
    "2.13",
    sentence='`"healthy"`: no fault; norms differ by rounding, at most a part in 1,000, and now '
    "and then ranks agree in a single step by chance.",
)
def healthy_coincidences(student: Student, rng: np.random.Generator) -> None:
    for size in _sizes(rng):
        judge(student, invent(HEALTHY, rng, **size), job=HEALTHY, what=f"{size}")
        for name in ("batches", "masks"):
            found = invent(HEALTHY, rng, **size)
            step = int(rng.integers(size["steps"]))
            for rank in range(size["ranks"]):
                found[name][rank][step] = found[name][0][step]
            judge(student, found, job=HEALTHY, what=f"one whose {name} agree in step {step}")
        found = invent(HEALTHY, rng, **size)
        found["applied"] *= rng.uniform(1 - 9e-4, 1 + 9e-4, found["applied"].shape)
        judge(student, found, job=HEALTHY, what="one with rounding")
