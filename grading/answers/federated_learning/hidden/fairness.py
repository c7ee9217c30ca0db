"""The hidden checks of exercise 3.9: the same sentences, other clients, shares and powers."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.federated_learning.checks.fairness import judge_averages, judge_shares


@check(
    "3.9",
    sentence="The first number is the mean accuracy over all samples, the second that over all "
    "clients, large or small.",
)
def drawn_clients(student: Student, rng: np.random.Generator) -> None:
    for clients in (1, 2, 13, 200):
        accuracies, sizes = rng.uniform(0, 1, clients), rng.integers(1, 500, clients)
        got = student.three_averages(accuracies, sizes, 1.0)
        judge_averages(got, accuracies=accuracies, sizes=sizes, share=1.0)


@check(
    "3.9",
    sentence="The third is the mean over the worst clients: `share` times their number, rounded, "
    "but one at least.",
)
def other_shares(student: Student, rng: np.random.Generator) -> None:
    for clients, share in ((30, 0.1), (7, 0.1), (3, 0.1), (13, 0.25), (100, 0.29), (11, 0.8)):
        accuracies = rng.integers(0, 9, clients) / 8  # equal ones, too
        sizes = rng.integers(1, 500, clients)
        got = student.three_averages(accuracies, sizes, share)
        judge_averages(got, accuracies=accuracies, sizes=sizes, share=share)


@check(
    "3.9",
    sentence="A client's share is in proportion to its size times its loss to the power of q; all "
    "shares add up to 1.",
)
def drawn_losses(student: Student, rng: np.random.Generator) -> None:
    for clients, q in ((1, 1), (4, 0), (9, 0.5), (40, 3), (12, 7.5)):
        losses, sizes = rng.uniform(0.05, 3, clients), rng.integers(1, 300, clients)
        got = student.reweighted(losses, sizes, q)
        judge_shares(got, losses=losses, sizes=sizes, q=q)


@check(
    "3.9",
    sentence="With q up to 1,000 and losses from 0.001 to 1,000 no number overflows or vanishes.",
)
def large_powers(student: Student, rng: np.random.Generator) -> None:
    cases = [
        ([0.001, 0.002, 0.0015], 1000),
        ([900.0, 1000.0, 999.9], 1000),
        ([0.001, 1000.0, 1.0], 400),
        ([0.02, 0.02, 0.02], 800),
    ]
    for losses, q in cases:
        sizes = rng.integers(1, 300, 3)
        got = student.reweighted(np.array(losses), sizes, q)
        judge_shares(got, losses=losses, sizes=sizes, q=q)
