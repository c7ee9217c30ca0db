"""The hidden checks of exercise 3.5: the same sentences, other fleets, deadlines and exponents."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.federated_learning.checks.systems import judge_kept, judge_round, judge_staleness


@check(
    "3.5",
    sentence="`kept` lists the clients that are done first, in the order in which they finish, at "
    "most `wanted` of them; of equals the lower position is first.",
)
def many_clients(student: Student, rng: np.random.Generator) -> None:
    for clients, wanted in ((1, 1), (2, 5), (13, 10), (40, 30), (6, 0)):
        durations = rng.integers(5, 20, clients).astype(float).tolist()
        judge_kept(student.kept(durations, wanted, 1e5), durations, wanted=wanted, deadline_s=1e5)


@check(
    "3.5",
    sentence="Who is done exactly at the deadline is kept, who is later is not, and who never "
    "answers, after inf seconds, never is.",
)
def other_deadlines(student: Student, rng: np.random.Generator) -> None:
    for deadline_s in (0.5, 7.0, 12.0, np.inf):
        durations = rng.integers(1, 20, 12).astype(float)
        durations[3], durations[7], durations[9] = 7.0, 12.0, np.inf
        durations[0], durations[11] = 7.001, 12.001
        listed = durations.tolist()
        for wanted in (4, 12):
            got = student.kept(listed, wanted, deadline_s)
            judge_kept(got, listed, wanted=wanted, deadline_s=deadline_s)


@check(
    "3.5",
    sentence="A round ends when the last wanted update is there; if too few come in "
    "time, it ends at the deadline.",
)
def other_rounds(student: Student, rng: np.random.Generator) -> None:
    for clients, wanted, deadline_s in ((13, 10, 300.0), (13, 13, 60.0), (5, 9, 1e4), (3, 1, 0.1)):
        durations = np.round(rng.lognormal(4, 1, clients), 3).tolist()
        got = student.simulate_round(durations, wanted, deadline_s)
        judge_round(got, durations, wanted=wanted, deadline_s=deadline_s)


@check(
    "3.5",
    sentence="Everyone who is not kept worked in vain until the round was over; `wasted_s` adds "
    "that up.",
)
def nobody_and_everybody_wasted(student: Student, rng: np.random.Generator) -> None:
    for durations, wanted in (
        ([9.0, 8.0, 7.0], 3),
        ([np.inf] * 4, 2),
        ([30.0] * 6, 2),
        ([5.0, 29.0, 31.0, 30.0, np.inf], 4),
    ):
        got = student.simulate_round(durations, wanted, 30.0)
        judge_round(got, durations, wanted=wanted, deadline_s=30.0)


@check(
    "3.5",
    sentence="`staleness_weight` is (1 + staleness)^-a; an array gives an array of its shape.",
)
def other_exponents(student: Student, rng: np.random.Generator) -> None:
    for a in (0.0, 0.3, 1.0, 2.5):
        judge_staleness(student, rng.integers(0, 50, (3, 4)), a=a)
        judge_staleness(student, 0, a=a)
        judge_staleness(student, 17, a=a)
