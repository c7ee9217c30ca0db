"""The hidden checks of exercise 2.4: the same sentences, other inputs."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.gpu_training.checks.accumulation import (
    draw,
    judge_answer,
    judge_pieces,
    softmax_of_pairs,
)


def judge_batch(
    student: Student, rng: np.random.Generator, *, lengths: list[int], tokens: int, size: int
) -> None:
    """Assert pieces and answer for one batch with so many targets that count in each sequence."""
    batch = draw(rng, lengths, tokens=tokens)
    table = rng.normal(0, 1.5, size=(11, 11))
    asked = softmax_of_pairs(table)
    got = student.accumulated_gradients(asked, batch, size=size)
    judge_pieces(asked, batch, size=size)
    what = f"{len(lengths)} sequences in pieces of {size}"
    judge_answer(got, softmax_of_pairs(table)(*batch), what=what)


@check(
    "2.4",
    sentence="Loss and gradients are those of the whole batch: each token that counts weighs the "
    "same.",
    weight=2.0,
)
def unequal_lengths(student: Student, rng: np.random.Generator) -> None:
    lengths = [12, 1, 1, 2, 11, 12, 1, 3, 1, 2, 12]
    for size in (3, 4):
        judge_batch(student, rng, lengths=lengths, tokens=12, size=size)


@check(
    "2.4",
    sentence="Loss and gradients are those of the whole batch: each token that counts weighs the "
    "same.",
)
def last_piece_smaller(student: Student, rng: np.random.Generator) -> None:
    for number, size in ((7, 3), (9, 4), (5, 4)):
        judge_batch(student, rng, lengths=[8] * number, tokens=8, size=size)


@check(
    "2.4",
    sentence="No piece holds more than `size` sequences, and there are as few pieces as that "
    "allows.",
)
def one_and_all(student: Student, rng: np.random.Generator) -> None:
    for size in (1, 6, 50):
        judge_batch(student, rng, lengths=[5, 4, 1, 5, 2, 3], tokens=5, size=size)


@check("2.4", sentence="Each sequence goes to `gradient_of` once, with its own targets.")
def whole_multiples(student: Student, rng: np.random.Generator) -> None:
    judge_batch(student, rng, lengths=[6] * 12, tokens=6, size=4)


@check("2.4", sentence="A piece in which no token counts adds nothing: its mean is not a number.")
def empty_pieces(student: Student, rng: np.random.Generator) -> None:
    judge_batch(student, rng, lengths=[0, 0, 0, 7, 1, 2, 0, 0, 0, 3], tokens=7, size=3)


@check("2.4", sentence="The gradients come back in the order and shapes that `gradient_of` gives.")
def order_and_shapes(student: Student, rng: np.random.Generator) -> None:
    batch = draw(rng, [3, 3], tokens=3)
    table = rng.normal(size=(11, 11))
    got = student.accumulated_gradients(softmax_of_pairs(table), batch, size=1)
    judge_answer(got, softmax_of_pairs(table)(*batch), what="two sequences")
