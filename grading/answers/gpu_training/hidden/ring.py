"""The hidden checks of exercise 2.7: the same sentences, other ranks, sizes and numbers."""

import numpy as np
from numpy.typing import NDArray

from labs.engine.checks import check
from labs.engine.student import Student
from labs.gpu_training.checks.ring import judge_fit, judge_sum, judge_traffic, run_ring
from labs.gpu_training.routing import Message


def check_ring(student: Student, rng: np.random.Generator, *, size: int, number: int) -> None:
    """Assert sum and traffic for one size and number of ranks; the numbers need rounding."""
    parts = [rng.normal(0, 10.0**rank, size).astype(np.float32) for rank in range(number)]
    results, router = run_ring(student, parts)
    judge_traffic(router, size=size, number=number)
    judge_sum(results, parts)


@check(
    "2.7",
    sentence="Each rank sends exactly 2 (N - 1) messages, all of them to rank (r + 1) % N.",
    weight=2,
)
def two_three_and_five_ranks(student: Student, rng: np.random.Generator) -> None:
    for number, size in ((2, 6), (3, 12), (5, 35)):
        check_ring(student, rng, size=size, number=number)


@check(
    "2.7",
    sentence="A message holds ceil(len(x) / N) float32 numbers: where len(x) is no multiple of "
    "N, zeros fill the last pieces.",
)
def uneven_and_short(student: Student, rng: np.random.Generator) -> None:
    for number, size in ((2, 7), (3, 10), (4, 5), (5, 3), (3, 1)):
        check_ring(student, rng, size=size, number=number)


@check("2.7", sentence="All ranks hold the same bits: a piece is summed up once, then handed on.")
def thousand_elements(student: Student, rng: np.random.Generator) -> None:
    for number in (3, 4):
        check_ring(student, rng, size=1021, number=number)


@check("2.7", sentence="A single rank sends nothing and returns a copy.", weight=0.5)
def one_rank(student: Student, rng: np.random.Generator) -> None:
    check_ring(student, rng, size=5, number=1)
    check_ring(student, rng, size=4, number=2)  # so that returning x earns nothing here


@check("2.7", sentence="What a rank learns of the others comes through `recv` alone.", weight=1.5)
def altered_on_the_way(student: Student, rng: np.random.Generator) -> None:
    """Add 1 to one message of rank 0: a first one spoils a sum, a last one only what follows."""
    number, size = 4, 12
    last = 2 * (number - 1) - 1
    for altered, spoilt_ranks in ((0, {0, 1, 2, 3}), (last, {1})):

        def alter(message: Message, altered: int = altered) -> NDArray[np.float32]:
            is_it = message.sender == 0 and message.number == altered
            return message.array + np.float32(is_it)

        parts = [rng.integers(-99, 99, size).astype(np.float32) for _ in range(number)]
        results, router = run_ring(student, parts, alter=alter)
        judge_traffic(router, size=size, number=number)
        want = np.sum(parts, axis=0)
        for rank, result in enumerate(results):
            assert np.shape(result) == want.shape, f"rank {rank}: shape {np.shape(result)}"
            off = np.sort(np.asarray(result) - want)
            spoilt = size // number if rank in spoilt_ranks else 0
            assert off.tolist() == [0.0] * (size - spoilt) + [1.0] * spoilt, (
                f"1 was added to each number of message {altered} of rank 0; {spoilt} elements of "
                f"the sum on rank {rank} follow, {int((off != 0).sum())} of yours do"
            )


@check(
    "2.7",
    sentence="Alpha and beta make the sum of squared relative errors, "
    "((predicted - measured) / measured)^2, the least.",
)
def noise_over_five_decades(student: Student, rng: np.random.Generator) -> None:
    sizes = 4.0 ** np.arange(4, 13)
    links = [(2, 1.3e-4, 7e-10), (3, 2e-5, 4e-9), (8, 4e-6, 2.5e-12)]
    links += [(4, 30.0, 0.5)]  # Morse code: no unit that suits networks may be built in
    for number, alpha_s, beta_s in links:
        times = 2 * (number - 1) * (alpha_s + sizes / number * beta_s)
        times *= rng.uniform(0.85, 1.15, len(sizes))
        got = student.fit_alpha_beta(sizes, times, number)
        judge_fit(got, sizes=sizes, times=times, number=number)


@check("2.7", sentence="Sizes come in any order, and some more than once.", weight=0.5)
def repeated_sizes(student: Student, rng: np.random.Generator) -> None:
    sizes = rng.permutation(np.repeat(2 ** np.arange(8, 25, 4), 4))
    times = 2 * 5 * 8e-5 + 2 * 5 / 6 * sizes * 3e-10
    times = times * rng.uniform(0.8, 1.2, len(sizes))
    got = student.fit_alpha_beta(sizes, times, 6)
    judge_fit(got, sizes=sizes, times=times, number=6)
