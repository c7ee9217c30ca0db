"""The hidden checks of exercise 2.10: the same sentences, other inputs."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.gpu_training import split_layers
from labs.gpu_training.checks.splitting import (
    judge_1f1b,
    judge_gpipe,
    judge_layer,
    judge_schedule,
)


@check(
    "2.10",
    sentence="Rank r of N uses the r-th of N equal parts of the columns of `up` and of the rows "
    "of `down`, no others.",
)
def three_ranks_and_one(student: Student, rng: np.random.Generator) -> None:
    judge_layer(student, split_layers.drawn(rng, batch=2, width=4, hidden=12), ranks=3)
    judge_layer(student, split_layers.drawn(rng, batch=2, width=5, hidden=3), ranks=1)


@check(
    "2.10",
    sentence="The output, `relu(x @ up) @ down`, and the gradient of x come back whole on every "
    "rank.",
)
def four_ranks(student: Student, rng: np.random.Generator) -> None:
    judge_layer(student, split_layers.drawn(rng, batch=5, width=3, hidden=8), ranks=4)


@check(
    "2.10",
    sentence="`all_reduce` is called exactly twice, each time with an array of the shape of x: "
    "first with what this rank adds to the output, then with what it adds to the gradient of x.",
)
def one_column_a_rank(student: Student, rng: np.random.Generator) -> None:
    judge_layer(student, split_layers.drawn(rng, batch=7, width=2, hidden=5), ranks=5)


@check(
    "2.10",
    sentence="Where `x @ up` is not above 0, no gradient flows back.",
)
def at_the_kink(student: Student, rng: np.random.Generator) -> None:
    judge_layer(
        student, split_layers.drawn(rng, batch=4, width=3, hidden=8, is_kinked=True), ranks=2
    )


@check(
    "2.10",
    sentence="Every stage does F and B of every micro-batch exactly once, in an order in which "
    "nobody waits for ever.",
)
def more_stages_than_micro_batches(student: Student, rng: np.random.Generator) -> None:
    judge_gpipe(student, stages=6, micro_batches=2)
    judge_1f1b(student, stages=6, micro_batches=2)
    judge_1f1b(student, stages=5, micro_batches=1)


@check(
    "2.10",
    sentence="With F taking 1 unit of time and B 2, everything is done after 3 (M + K - 1).",
)
def shortest_time(student: Student, rng: np.random.Generator) -> None:
    for schedule in (student.gpipe(4, 7), student.one_forward_one_backward(4, 7)):
        judge_schedule(schedule, stages=4, micro_batches=7)


@check(
    "2.10",
    sentence="In GPipe every stage does all its F before its first B.",
)
def gpipe_of_other_sizes(student: Student, rng: np.random.Generator) -> None:
    judge_gpipe(student, stages=1, micro_batches=5)
    judge_gpipe(student, stages=5, micro_batches=9)


@check(
    "2.10",
    sentence="In 1F1B stage k, counted from 0, keeps at most min(M, K - k) micro-batches at one "
    "time.",
)
def turns_of_other_sizes(student: Student, rng: np.random.Generator) -> None:
    judge_1f1b(student, stages=1, micro_batches=5)
    judge_1f1b(student, stages=8, micro_batches=8)
    judge_1f1b(student, stages=3, micro_batches=11)
    judge_1f1b(student, stages=2, micro_batches=6)
