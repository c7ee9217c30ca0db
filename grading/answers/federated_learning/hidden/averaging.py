"""The hidden checks of exercise 3.1: the same sentences, other numbers and other clients."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.federated_learning.checks.averaging import (
    draw,
    judge_average,
    judge_one_step,
    judge_round,
    update,
)


@check(
    "3.1",
    sentence="Batches are taken in their order, one step each; a gradient is asked for at the "
    "weights that the step before left.",
    weight=2,
)
def several_steps(student: Student, rng: np.random.Generator) -> None:
    problem = draw(rng, 30, size=6)
    start = rng.normal(0, 1, 6).astype(np.float32)
    for size, rate in ((4, 0.1), (7, 0.03), (30, 0.7)):
        order = rng.permutation(30)
        batches = [order[at : at + size] for at in range(0, 30, size)]
        update(student, problem, start=start, batches=batches, learning_rate=rate)


@check("3.1", sentence="A client with twice the samples counts twice.", weight=1.5)
def other_samples(student: Student, rng: np.random.Generator) -> None:
    for clients, size in ((2, 3), (5, 1), (40, 17)):
        returned = list(rng.normal(0, 2, (clients, size)).astype(np.float32))
        samples = rng.integers(1, 500, clients).tolist()
        got = student.fed_avg(returned, samples)
        judge_average(got, returned, samples=samples, what=f"the average of {clients} clients")


@check(
    "3.1",
    sentence="The average is added up in float64 and rounded once, to float32.",
)
def large_and_small(student: Student, rng: np.random.Generator) -> None:
    """Weights that cancel, and counts that float32 cannot hold."""
    small = rng.normal(0, 1, 4)
    returned = [np.float32(each) for each in (3e7 + 0 * small, small, -3e7 + 0 * small)]
    got = student.fed_avg(returned, [1, 1, 1])
    judge_average(got, returned, samples=[1, 1, 1], what="where two clients cancel, the average")
    many = [2**24 + 1, 1, 2**24 + 1]
    got = student.fed_avg(returned, many)
    judge_average(got, returned, samples=many, what="with 16,777,217 samples, the average")


@check(
    "3.1",
    sentence="Each client with samples is asked once, with the weights of the round; the others "
    "are not asked.",
    weight=1.5,
)
def who_is_asked(student: Student, rng: np.random.Generator) -> None:
    for samples in ([0, 4, 9, 0, 0, 1], [2, 2, 2], [0, 7]):
        start = rng.normal(0, 1, 5).astype(np.float32)
        returned = list(rng.normal(0, 1, (len(samples), 5)).astype(np.float32))
        judge_round(student, start, returned=returned, samples=samples)


@check("3.1", sentence="If no client has samples, the weights stay as they are.", weight=0.5)
def nobody(student: Student, rng: np.random.Generator) -> None:
    start = rng.normal(0, 1, 4).astype(np.float32)
    returned = list(rng.normal(0, 1, (2, 4)).astype(np.float32))
    judge_round(student, start, returned=returned, samples=[0, 0])
    # So that returning the first weights earns nothing here.
    judge_round(student, start, returned=returned, samples=[0, 3])


@check("3.1", sentence="A round with one client is that client's own training.", weight=0.5)
def one_client(student: Student, rng: np.random.Generator) -> None:
    problem = draw(rng, 12, size=4)
    start = rng.normal(0, 1, 4).astype(np.float32)
    batches = list(np.split(rng.permutation(12), 4))
    trained, _ = update(student, problem, start=start, batches=batches, learning_rate=0.2)
    got = judge_round(student, start, returned=[trained], samples=[12])
    assert np.array_equal(got, trained), (
        f"one client's training ends at {trained[0]:.9g}; your round with it at {got[0]:.9g}"
    )


@check(
    "3.1",
    sentence="Where every client takes one step on all of its samples, a round is one step on "
    "everybody's samples.",
    weight=1.5,
)
def unequal_clients(student: Student, rng: np.random.Generator) -> None:
    for sizes, rate in (([1, 40], 0.1), ([3, 5, 8, 13], 0.3), ([10, 10, 10], 0.05)):
        problem = draw(rng, sum(sizes), size=8)
        start = rng.normal(0, 1, 8).astype(np.float32)
        parts = np.split(rng.permutation(sum(sizes)), np.cumsum(sizes)[:-1])
        judge_one_step(student, problem, start=start, parts=parts, rate=rate)
