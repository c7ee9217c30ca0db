"""The hidden checks of exercise 3.6: the same sentences, other inputs."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.federated_learning.checks.squeeze import (
    HALF_BIT,
    judge_codes,
    judge_feedback,
    judge_refusal,
    judge_top_k,
)


def drawn(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return an update as networks have them: many numbers near 0, some far off."""
    return (rng.standard_t(3, size) * 1e-3).astype(np.float32)


@check(
    "3.6",
    sentence="The k numbers of the largest size are sent, whatever their sign; of equals, those "
    "with the lower index.",
    weight=2,
)
def many_and_equal(student: Student, rng: np.random.Generator) -> None:
    judge_top_k(student, drawn(rng, 4810), k=48, what="k = 48 of 4,810")
    equals = rng.choice([-2, -1, 0, 1, 2], 300).astype(np.float32)
    for k in (1, 60, 100, 250):
        judge_top_k(student, equals, k=k, what=f"k = {k} of 300 with equals")


@check(
    "3.6",
    sentence="Indices are uint32 and ascend, values are float32, each in the place of its index: "
    "8 bytes a number.",
)
def bytes_of_the_message(student: Student, rng: np.random.Generator) -> None:
    for size, k in ((40, 7), (70_000, 5)):
        judge_top_k(student, drawn(rng, size), k=k, what=f"k = {k} of {size:,}")


@check(
    "3.6",
    sentence="With k as large as the update, or larger, all numbers are sent, and with k = 0 none.",
)
def all_and_none(student: Student, rng: np.random.Generator) -> None:
    update = drawn(rng, 9)
    update[[2, 5]] = 0
    for k in (9, 10, 10_000, 0, 8):
        judge_top_k(student, update, k=k, what=f"k = {k} of 9")


@check(
    "3.6",
    sentence="The scale is the largest size divided by 127, an array of one float32; the codes "
    "are int8 and lie within -127 and 127.",
)
def scales_and_ends(student: Student, rng: np.random.Generator) -> None:
    for factor in (1e-6, 1, 1e6):
        # Where float32 puts the quotient of the largest number just beyond 127, or below -127.
        largest = (factor * rng.uniform(1, 2, 1000)).astype(np.float32)
        beyond = largest[largest / (largest / np.float32(127)) > 127][0]
        update = (factor * drawn(rng, 64)).astype(np.float32)
        for ends, uniform in (
            ((beyond, -beyond), 0.0),
            ((-beyond, beyond), 1 - 2.0**-24),
            (-beyond, 0.5),
        ):
            update[:2] = ends
            draws = np.full(64, uniform, np.float32)
            judge_codes(student, update, uniform=draws, what=f"numbers up to {beyond:.4g}")


@check(
    "3.6",
    sentence="Each number is divided by the scale, its entry of `uniform` is added, and the sum "
    "is rounded down.",
    weight=2,
)
def nothing_is_lost_on_average(student: Student, rng: np.random.Generator) -> None:
    """Compare codes one by one, then the mean of numbers whose draws are spread evenly."""
    update = drawn(rng, 500)
    judge_codes(student, update, uniform=rng.random(500, np.float32), what="500 numbers")
    many = 400
    number, largest = np.float32(rng.uniform(0.01, 0.99)), np.float32(1.0)
    spread = ((rng.permutation(many) + 0.5) / many).astype(np.float32)
    for sign in (1, -1):
        same = np.full(many + 1, sign * number, np.float32)
        same[-1] = largest
        draws = np.append(spread, np.float32(0.5))
        seen = judge_codes(student, same, uniform=draws, what=f"{many} times {sign * number:.4g}")
        # Draws 1 / many apart meet a step at most that much too early or too late.
        apart = abs(float(seen[:-1].mean(dtype=np.float64)) - float(sign * number))
        assert apart <= 1 / 127 / many + 1e-6, (
            f"the mean of {many} codes stands for a number {apart:.2g} off"
        )


@check(
    "3.6",
    sentence="Zero stays zero, and an update of zeros has codes of 0 and a scale of 0.",
)
def zeros(student: Student, rng: np.random.Generator) -> None:
    update = drawn(rng, 200)
    update[rng.permutation(200)[:150]] = 0
    nearly_one = np.full(200, 1 - 2.0**-24, np.float32)
    judge_codes(student, update, uniform=nearly_one, what="200 numbers, 150 of them 0")
    judge_codes(student, np.zeros(5, np.float32), uniform=nearly_one[:5], what="five zeros")


@check(
    "3.6",
    sentence="A number that is NaN or infinite raises a ValueError in both functions: nothing is "
    "sent.",
)
def not_finite(student: Student, rng: np.random.Generator) -> None:
    for bad in (np.nan, np.inf, -np.inf):
        judge_refusal(student, float(bad), size=30, at=int(rng.integers(30)))


@check(
    "3.6",
    sentence="`compress` is asked once, for the sum of update and memory, and `decompress` once, "
    "for what `compress` returned, which is also the message.",
)
def asked_once(student: Student, rng: np.random.Generator) -> None:
    """Answer differently each time, so that a second question leaves another memory."""
    answers = rng.normal(size=(3, 25)).astype(np.float32)

    def other(owed: np.ndarray, number: int) -> np.ndarray:
        return answers[number % 3]

    judge_feedback(student, drawn(rng, 25), memory=drawn(rng, 25), lossy=other)


@check(
    "3.6",
    sentence="The new memory is what was not sent: what arrived and the new memory add up to what "
    "went in.",
    weight=2,
)
def twenty_rounds(student: Student, rng: np.random.Generator) -> None:
    """Add up what arrived in twenty rounds; with what is left it is what the client trained."""
    size, keep = 60, rng.random(60) < 0.2
    memory, went_in, came_out = np.zeros(size, np.float32), np.zeros(size), np.zeros(size)
    largest = np.zeros(size)

    def some(owed: np.ndarray, number: int) -> np.ndarray:
        return np.where(keep, owed * np.float32(0.75), np.float32(0))

    for _ in range(20):
        update = drawn(rng, size)
        largest = np.maximum(largest, np.abs(memory) + np.abs(update))
        arrived, memory = judge_feedback(student, update, memory=memory, lossy=some)
        went_in, came_out = went_in + update, came_out + arrived
    # Each round rounds twice, at the size of what is owed then.
    slack = 20 * 4 * HALF_BIT * largest
    assert bool((np.abs(went_in - came_out - memory) <= slack).all()), (
        "after 20 rounds, what arrived and what is left differ from what went in"
    )
