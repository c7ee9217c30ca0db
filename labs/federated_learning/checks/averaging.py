"""The open checks of exercise 3.1: straight lines through a few points, and three clients."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student, callback
from labs.federated_learning.by_hand import EPSILON, Regression, rounding_bound

Floats = NDArray[np.float32]
Positions = NDArray[np.int64]
DOUBLE_EPSILON = 2.0**-53


def draw(rng: np.random.Generator, samples: int, *, size: int) -> Regression:
    """Return a regression with normal numbers."""
    return Regression(rng.normal(0, 1, (samples, size)), rng.normal(0, 3, samples))


def judge_array(got: Any, want: NDArray[Any], *, tolerance: Any, what: str) -> None:
    """Assert that an answer is float32 of a shape, and near enough.

    Parameters
    ----------
    got, want
        The answer and what is right, (size,).
    tolerance
        (size,) or one number.
    what
        Its name in the message.
    """
    assert isinstance(got, np.ndarray), f"{what}: return an array, not {got!r:.40}"
    form = str(got.dtype), got.shape
    assert form == ("float32", want.shape), (
        f"{what} is float32 of shape {want.shape}; yours {form[0]} of shape {form[1]}"
    )
    off = np.abs(got.astype(np.float64) - want) - tolerance
    worst = int(np.argmax(np.where(np.isnan(off), np.inf, off)))
    assert off[worst] <= 0, f"{what}: weight {worst} is {want[worst]:.9g}; yours {got[worst]:.9g}"


def update(
    student: Student,
    problem: Regression,
    *,
    start: Floats,
    batches: Sequence[Positions],
    learning_rate: float,
) -> tuple[Floats, list[tuple[Any, ...]]]:
    """Return the weights after a client's training, judged step by step, and the calls.

    Each step is judged from the weights at which its gradient was asked for, so roundings do not
    add up over the steps.
    """
    gradient_of = callback(problem.gradient)
    got = student.client_update(
        start, list(batches), gradient_of=gradient_of, learning_rate=learning_rate
    )
    calls = gradient_of.calls
    assert len(calls) == len(batches), (
        f"{len(batches)} batches need {len(batches)} gradients; yours asks for {len(calls)}"
    )
    held = np.asarray(start, np.float64)
    tolerance: NDArray[np.float64] = np.zeros(len(start))
    for number, ((asked, batch), wanted) in enumerate(zip(calls, batches, strict=True), 1):
        assert np.array_equal(batch, wanted), (
            f"gradient {number} is that of batch {number}, {wanted.tolist()}; yours asks for "
            f"{np.asarray(batch).tolist()}"
        )
        judge_array(
            np.asarray(asked, np.float32), held, tolerance=tolerance, what=f"before step {number}"
        )
        change = learning_rate * problem.gradient(asked, wanted).astype(np.float64)
        held = np.asarray(asked, np.float64) - change
        # Rounded are the rate, its product with the gradient and the difference, which is at most
        # the sum of both; and once more where float64 was kept until here.
        tolerance = 1.01 * EPSILON * (4 * np.abs(change) + 2 * np.abs(asked))
    judge_array(got, held, tolerance=tolerance, what="the result of client_update")
    return got, calls


def exact_average(returned: Sequence[Any], samples: Sequence[int]) -> NDArray[np.float64]:
    """Return the average by samples, rounded once, to float64."""
    columns = np.asarray(returned, np.float64).T
    total = sum(samples)
    return np.array(
        [math.fsum(w * n for w, n in zip(c, samples, strict=True)) / total for c in columns]
    )


def judge_average(got: Any, returned: Sequence[Any], *, samples: Sequence[int], what: str) -> None:
    """Assert that an average by samples was added up in float64 and rounded once."""
    shares = np.asarray(samples, np.float64) / sum(samples)
    sizes = shares @ np.abs(np.asarray(returned, np.float64))
    want = exact_average(returned, samples)
    # One rounding to float32; in float64 two a client, of a share and a product, and the sums.
    tolerance = EPSILON * np.abs(want) + 4 * len(samples) * DOUBLE_EPSILON * sizes
    judge_array(got, want, tolerance=tolerance, what=what)


def judge_round(
    student: Student, start: Floats, *, returned: Sequence[Floats], samples: Sequence[int]
) -> Floats:
    """Assert whom a round asks with which weights, and its average; return that."""
    train = callback(lambda client, _: returned[int(client)])
    got = student.federated_round(start, train, samples=list(samples))
    asked = sorted(int(client) for client, _ in train.calls)
    wanted = [client for client, count in enumerate(samples) if count]
    assert asked == wanted, f"a round asks clients {wanted}, each once; yours asks {asked}"
    for client, weights in train.calls:
        assert np.array_equal(weights, start), (
            f"client {client} starts from the weights of the round, {np.round(start, 3)}; yours "
            f"sends it {np.round(weights, 3)}"
        )
    if wanted:
        some = [returned[client] for client in wanted]
        counts = [samples[client] for client in wanted]
        judge_average(got, some, samples=counts, what="the result of federated_round")
    else:
        judge_array(got, start, tolerance=0.0, what="the result of a round that asks nobody")
    return np.asarray(got)


def judge_one_step(
    student: Student, problem: Regression, *, start: Floats, parts: Sequence[Positions], rate: float
) -> list[dict[str, Any]]:
    """Assert that a round of single steps on whole clients is one step on everybody's samples."""
    samples = [len(part) for part in parts]
    trained = [
        update(student, problem, start=start, batches=[part], learning_rate=rate)[0]
        for part in parts
    ]
    got = judge_round(student, start, returned=trained, samples=samples)
    everybody = np.concatenate(parts)
    rows = problem.x[everybody]
    gradient = rows.T @ (rows @ start.astype(np.float64) - problem.y[everybody]) / len(rows)
    want = start - rate * gradient
    changes = [(rate * problem.gradient(start, part)).astype(np.float32) for part in parts]
    bound = rounding_bound(start, changes=changes, samples=samples)
    judge_array(got, want, tolerance=bound, what="the round")
    return [
        {"weight": number, "one step on all": float(want[number]), "yours": float(got[number])}
        for number in range(len(start))
    ]


@check(
    "3.1",
    sentence="Batches are taken in their order, one step each; a gradient is asked for at the "
    "weights that the step before left.",
    weight=1.5,
)
def two_steps(student: Student, rng: np.random.Generator) -> None:
    """Take two steps of rate 1/2 on whole numbers."""
    x = rng.integers(-2, 3, (4, 2)).astype(np.float64)
    problem = Regression(x, rng.integers(-3, 4, 4).astype(np.float64))
    batches = [np.array([0, 1]), np.array([2, 3])]
    start = rng.integers(-3, 4, 2).astype(np.float32)
    got, calls = update(student, problem, start=start, batches=batches, learning_rate=0.5)
    rows: list[dict[str, Any]] = [
        {
            "batch": str(np.asarray(batch).tolist()),
            "asked at": str(np.asarray(weights).tolist()),
            "gradient": str(problem.gradient(weights, batch).tolist()),
        }
        for weights, batch in calls
    ]
    evidence.table([*rows, {"batch": "after both", "asked at": str(got.tolist()), "gradient": ""}])


@check("3.1", sentence="A client with twice the samples counts twice.")
def three_clients(student: Student, rng: np.random.Generator) -> None:
    """Average three clients with 1, 2 and 5 samples."""
    returned = list(rng.integers(-8, 9, (3, 2)).astype(np.float32))
    samples = [1, 2, 5]
    got = student.fed_avg(returned, samples)
    evidence.table(
        [
            {"client": str(number), "samples": count, "weights": str(weights.tolist())}
            for number, (count, weights) in enumerate(zip(samples, returned, strict=True))
        ]
        + [{"client": "your average", "samples": 8, "weights": str(np.asarray(got).tolist())}]
    )
    judge_average(got, returned, samples=samples, what="the result of fed_avg")


@check(
    "3.1",
    sentence="Each client with samples is asked once, with the weights of the round; the others "
    "are not asked.",
)
def one_without_samples(student: Student, rng: np.random.Generator) -> None:
    """Run a round of three clients, of which the middle one has no samples."""
    start = rng.integers(-3, 4, 2).astype(np.float32)
    returned = list(rng.integers(-8, 9, (3, 2)).astype(np.float32))
    judge_round(student, start, returned=returned, samples=[3, 0, 1])


@check(
    "3.1",
    sentence="Where every client takes one step on all of its samples, a round is one step on "
    "everybody's samples.",
)
def one_step(student: Student, rng: np.random.Generator) -> None:
    """Deal seven points to three clients and compare with one step on all seven."""
    problem = draw(rng, 7, size=3)
    parts = np.split(rng.permutation(7), [1, 3])
    start = rng.normal(0, 1, 3).astype(np.float32)
    evidence.table(judge_one_step(student, problem, start=start, parts=parts, rate=0.25))
