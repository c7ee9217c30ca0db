"""The hidden checks of exercise 3.2: the same sentences, other classes, clients and shares."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.federated_learning.checks.partitions import (
    is_tied,
    judge_parts,
    judge_skew,
    parts_of,
    shard_parts,
    share_parts,
)


def drawn_shares(rng: np.random.Generator, counts: list[int], *, clients: int) -> np.ndarray:
    """Return shares of some classes without a tie that rounding could decide."""
    rows: list[np.ndarray] = []
    while len(rows) < len(counts):
        row = rng.dirichlet([0.4] * clients)
        if not is_tied(row.tolist(), counts[len(rows)]):
            rows.append(row)
    return np.stack(rows)


@check(
    "3.2",
    sentence="Client j holds the shards numbered `order[j * per_client]` to "
    "`order[j * per_client + per_client - 1]`.",
)
def one_three_and_four_shards_each(student: Student, rng: np.random.Generator) -> None:
    for clients, per_client in ((7, 1), (4, 3), (3, 4), (1, 5)):
        labels = rng.integers(0, 10, 5 * clients * per_client)
        order = rng.permutation(clients * per_client)
        got = student.deal_shards(labels, order, per_client)
        judge_parts(got, shard_parts(labels, order, per_client=per_client), labels=labels)


@check(
    "3.2",
    sentence="The positions in the order of their class, within a class in ascending order, are "
    "cut into `len(order)` shards; the first `n % len(order)` have one sample more than the "
    "others.",
)
def uneven_lengths(student: Student, rng: np.random.Generator) -> None:
    for samples, clients in ((101, 10), (59, 6), (12, 5), (200, 21)):
        labels = rng.integers(0, 4, samples)  # long runs of a class: an unstable sort shows
        order = rng.permutation(2 * clients)
        got = student.deal_shards(labels, order, 2)
        judge_parts(got, shard_parts(labels, order, per_client=2), labels=labels)


@check(
    "3.2",
    sentence="Of the n samples of a class, client j gets floor(share * n); those that are left go, "
    "one each, to the clients with the largest remainders.",
    weight=1.5,
)
def drawn_from_a_dirichlet(student: Student, rng: np.random.Generator) -> None:
    for clients, classes in ((4, 3), (20, 10), (50, 5)):
        labels = rng.permutation(np.repeat(np.arange(classes), rng.integers(5, 60, classes)))
        shares = drawn_shares(rng, np.bincount(labels).tolist(), clients=clients)
        got = student.deal_by_shares(labels, shares)
        judge_parts(got, share_parts(labels, shares), labels=labels)


@check(
    "3.2",
    sentence="The first client gets the first positions of a class, the next client those that "
    "follow.",
    weight=0.5,
)
def quarters(student: Student, rng: np.random.Generator) -> None:
    labels = rng.permutation(np.repeat(np.arange(6), 8))
    shares = np.tile([0.25, 0.5, 0.0, 0.25], (6, 1))
    got = student.deal_by_shares(labels, shares)
    judge_parts(got, share_parts(labels, shares), labels=labels)


@check("3.2", sentence="Every position is dealt exactly once, however the shares round.")
def thirds_and_tenths(student: Student, rng: np.random.Generator) -> None:
    for clients, count in ((3, 10), (7, 3), (10, 7), (49, 49), (6, 1)):
        labels = rng.permutation(np.repeat([0, 1, 2], count))
        shares = np.full((3, clients), 1 / clients)
        parts = parts_of(student.deal_by_shares(labels, shares), clients=clients, samples=3 * count)
        for client, part in enumerate(parts):
            for label in range(3):
                have = int((labels[part] == label).sum()) if part else 0
                assert abs(have - count / clients) < 1, (
                    f"client {client} gets {count}/{clients} samples of class {label}, up or down "
                    f"to the next whole number; yours {have}"
                )


@check(
    "3.2",
    sentence="Classes are any whole numbers; row k of `shares` belongs to the k-th smallest of "
    "those that occur.",
)
def numbers_with_gaps(student: Student, rng: np.random.Generator) -> None:
    names, counts = np.array([-3, 4, 11, 400]), [9, 14, 23, 6]
    labels = rng.permutation(np.repeat(names, counts))
    shares = drawn_shares(rng, counts, clients=5)
    got = student.deal_by_shares(labels, shares)
    judge_parts(got, share_parts(labels, shares), labels=labels)
    order = rng.permutation(8)
    shards = shard_parts(labels, order, per_client=2)
    judge_parts(student.deal_shards(labels, order, 2), shards, labels=labels)
    judge_skew(student.skew(labels, shards_as_arrays(shards)), labels=labels, parts=shards)


def shards_as_arrays(parts: list[list[int]]) -> list[np.ndarray]:
    """Return parts as the arrays that a student's function gets."""
    return [np.array(part, dtype=np.int64) for part in parts]


@check(
    "3.2",
    sentence="The skew is the mean, over the clients, of half the sum over the classes of "
    "|share of the class at the client - share of the class in all `labels`|.",
)
def ten_classes(student: Student, rng: np.random.Generator) -> None:
    for clients in (2, 9, 30):
        labels = rng.integers(0, 10, 300)
        cuts = np.sort(rng.choice(np.arange(1, 300), clients - 1, replace=False))
        parts = np.split(rng.permutation(300), cuts)
        judge_skew(student.skew(labels, parts), labels=labels, parts=parts)
        some = parts[: max(1, clients // 2)]  # the rest of the samples are at nobody's
        judge_skew(student.skew(labels, some), labels=labels, parts=some)


@check(
    "3.2",
    sentence="A client may get nothing: its part is empty, and the skew leaves it out.",
    weight=0.5,
)
def nothing_for_some(student: Student, rng: np.random.Generator) -> None:
    labels = rng.permutation(np.repeat([0, 1, 2], [8, 16, 4]))
    shares = np.array([[0, 1, 0, 0], [0, 0.25, 0.75, 0], [0, 0, 1, 0.0]])
    parts = share_parts(labels, shares)
    judge_parts(student.deal_by_shares(labels, shares), parts, labels=labels)
    judge_skew(student.skew(labels, shards_as_arrays(parts)), labels=labels, parts=parts)
