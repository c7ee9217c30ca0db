"""The hidden checks of exercise 3.4: the same sentences, other inputs."""

from collections.abc import Callable

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.federated_learning.checks.drift import (
    Round,
    judge_adam,
    judge_calls,
    judge_close,
    judge_cosine,
    judge_end,
    judge_variate,
)


def quadratic(rng: np.random.Generator, *, size: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return the gradient of a loss with a full matrix, steepest slope 4."""
    root = rng.normal(size=(size, size))
    matrix = root @ root.T
    matrix *= 4 / np.linalg.eigvalsh(matrix)[-1]
    centre = rng.normal(size=size)
    return lambda weights: matrix @ (weights - centre)


@check("3.4", sentence="It is the mean of the cosines of all pairs of different clients.")
def many_updates(student: Student, rng: np.random.Generator) -> None:
    for clients, size in ((2, 5), (9, 40), (30, 3)):
        lengths = 10 ** rng.uniform(-3, 3, (clients, 1))
        judge_cosine(student, lengths * (rng.normal(size=(clients, size)) + 0.5))


@check("3.4", sentence="A client that did not move has cosine 0 with every other.", weight=0.5)
def some_did_not_move(student: Student, rng: np.random.Generator) -> None:
    updates = rng.normal(size=(6, 4)) + 1
    updates[[0, 4]] = 0
    judge_cosine(student, updates)
    judge_cosine(student, np.zeros((3, 2)))


@check(
    "3.4",
    sentence="`gradient` is called once a step, with the weights of that step.",
)
def a_full_matrix(student: Student, rng: np.random.Generator) -> None:
    gradient, start = quadratic(rng, size=5), rng.normal(size=5)
    for steps in (1, 7):
        asked = Round(start, steps, 0.15, mu=0.2, correction=rng.normal(size=5))
        _, seen = asked.ask(student, gradient)
        judge_calls(asked, seen, gradient=gradient)


@check(
    "3.4",
    sentence="A step changes the weights w by -`learning_rate` times the sum of the gradient, "
    "`mu` (w - `start`) and `correction`.",
    weight=2,
)
def other_work(student: Student, rng: np.random.Generator) -> None:
    gradient, start = quadratic(rng, size=6), rng.normal(size=6)
    pull = rng.normal(size=6)
    for asked in (
        Round(start, 1, 0.2, mu=3.0, correction=0.5),
        Round(start, 12, 0.1),
        Round(start, 12, 0.1, mu=2.0),
        Round(start, 12, 0.1, correction=pull),
        Round(start, 25, 0.05, mu=0.7, correction=-pull),
        # With its own gradient taken off, a client stays where it is.
        Round(start, 5, 0.2, correction=-gradient(start)),
    ):
        got, _ = asked.ask(student, gradient)
        judge_end(asked, got, gradient=gradient)


@check(
    "3.4",
    sentence="The new variate is (`start` - `end`) / (`steps` `learning_rate`) + c_i - c, "
    "where `variates` is (c, c_i).",
    weight=0.5,
)
def other_variates(student: Student, rng: np.random.Generator) -> None:
    for steps, rate in ((1, 0.1), (30, 0.02), (7, 2.0)):
        ends = rng.normal(size=(2, 8))
        common, own = rng.normal(size=(2, 8))
        work = Round(ends[0], steps, rate)
        judge_variate(student, (ends[0], ends[1]), work=work, variates=(common, own))


@check(
    "3.4",
    sentence="The new variate is (`start` - `end`) / (`steps` `learning_rate`) + c_i - c, "
    "where `variates` is (c, c_i).",
    weight=0.5,
)
def one_step_gives_the_gradient(student: Student, rng: np.random.Generator) -> None:
    """After one step with the correction c - c_i the variate is the client's gradient at start."""
    for _ in range(3):
        gradient, start = quadratic(rng, size=4), rng.normal(size=4)
        common, own = rng.normal(size=(2, 4))
        asked = Round(start, 1, 0.1, correction=common - own)
        end = asked.places(gradient)[-1]
        got = student.new_variate(start, end, steps=1, learning_rate=0.1, variates=(common, own))
        # The difference of weights loses digits that the rate of 0.1 then magnifies.
        judge_close(got, gradient(start), size=100.0, what="the variate after a single step")


@check(
    "3.4",
    sentence="FedAdam: m is 0.9 of the old mean plus 0.1 of the update, v is 0.99 of the old "
    "square plus 0.01 of the squared update; nothing corrects them for their start.",
)
def rounds_of_adam(student: Student, rng: np.random.Generator) -> None:
    updates = list(rng.normal(size=(6, 7)) * 10 ** rng.uniform(-4, 0, 7))
    state = {"mean": rng.normal(size=7) / 10, "square": rng.uniform(0, 1e-4, 7)}
    judge_adam(
        student, updates, start=rng.normal(size=7), state=state, rate=float(rng.uniform(0.01, 0.3))
    )


@check(
    "3.4",
    sentence="FedAdam: the weights grow by `learning_rate` m / (sqrt(v) + 0.001).",
)
def tiny_and_huge_updates(student: Student, rng: np.random.Generator) -> None:
    updates = [np.array([1e-9, 1e-5, 1e-3, 1.0, 1e3, 0.0])]
    state = {"mean": np.zeros(6), "square": np.zeros(6)}
    judge_adam(student, updates, start=np.zeros(6), state=state, rate=0.2)
