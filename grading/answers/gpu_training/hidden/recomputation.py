"""The hidden checks of exercise 2.6: the same sentences, other chains."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.gpu_training.checks.recomputation import (
    judge_end,
    judge_gradients,
    judge_memory,
    judge_work,
    play,
)

CHAINS = ((16, 4), (17, 4), (10, 3), (7, 5), (12, 1), (6, 6), (19, 10))  # layers, segments


@check(
    "2.6",
    sentence="`backward(i)` runs once for each layer, from the last to the first, while "
    "activation i is held.",
)
def other_chains(student: Student, rng: np.random.Generator) -> None:
    for layers, segments in (*CHAINS, (1, 1)):
        judge_gradients(play(student, layers, segments=segments))


@check("2.6", sentence="No layer runs `forward` more than twice.")
def work_of_other_chains(student: Student, rng: np.random.Generator) -> None:
    for layers, segments in CHAINS:
        ledger = play(student, layers, segments=segments)
        judge_gradients(ledger)
        judge_work(ledger)


@check(
    "2.6",
    sentence="At no time are more than `segments + ceil(layers / segments) + 1` activations held, "
    "the input among them.",
    weight=2.0,
)
def memory_of_other_chains(student: Student, rng: np.random.Generator) -> None:
    for layers, segments in CHAINS:
        ledger = play(student, layers, segments=segments)
        judge_gradients(ledger)
        judge_memory(ledger, segments=segments)


@check("2.6", sentence="When it returns, the input is held, and no other activation.")
def nothing_left(student: Student, rng: np.random.Generator) -> None:
    for layers, segments in ((9, 3), (11, 4)):
        ledger = play(student, layers, segments=segments)
        judge_gradients(ledger)
        judge_end(ledger)
