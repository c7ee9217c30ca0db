"""The hidden checks of exercise 3.8: the same sentences, other updates, orders and outliers."""

import numpy as np

from labs.engine.checks import check, raises
from labs.engine.student import Student
from labs.federated_learning import robust
from labs.federated_learning.checks.robust import judge_krum, judge_median, judge_trimmed


@check(
    "3.8",
    sentence="`coordinate_median(updates)` returns the median of each column; of an even number "
    "of updates that is the mean of the middle two.",
)
def other_numbers_of_updates(student: Student, rng: np.random.Generator) -> None:
    for clients, size in ((1, 4), (2, 1), (9, 5), (12, 7)):
        updates = rng.normal(0, 3, (clients, size))
        judge_median(student, updates, what=f"{clients} updates of {size}")


@check(
    "3.8",
    sentence="`trimmed_mean(updates, trim)` leaves out the `trim` smallest and the `trim` largest "
    "numbers of each column and returns the mean of the rest.",
)
def other_trims(student: Student, rng: np.random.Generator) -> None:
    for clients, trim in ((1, 0), (3, 1), (8, 3), (11, 2), (11, 5)):
        updates = rng.normal(0, 3, (clients, 6))
        updates[:, 0] = np.round(updates[:, 0])  # equal numbers in a column
        judge_trimmed(student, updates, trim=trim, what=f"trim {trim} of {clients} updates")


@check("3.8", sentence="It raises a ValueError if `trim` is negative or would leave nothing.")
def nothing_left(student: Student, rng: np.random.Generator) -> None:
    updates = rng.normal(0, 1, (4, 3))
    for trim in (2, 3, 40, -2):
        with raises("ValueError"):
            student.trimmed_mean(updates, trim)
    with raises("ValueError"):
        student.trimmed_mean(updates[:1], 1)
    judge_trimmed(student, updates, trim=1, what="trim 1 of 4 updates")


@check(
    "3.8",
    sentence="The winner's squared distances to its n - byzantine - 2 nearest others have the "
    "smallest sum; of equals the first wins.",
    weight=2,
)
def clouds(student: Student, rng: np.random.Generator) -> None:
    for clients, byzantine in ((3, 0), (5, 1), (9, 0), (9, 3), (15, 4)):
        for _ in range(6):
            updates = rng.integers(-20, 21, (clients, 3)).astype(float)
            updates[: clients // 3] *= 4
            what = f"{clients} updates, {byzantine} of them wrong"
            judge_krum(student, updates, byzantine=byzantine, what=what)


@check(
    "3.8",
    sentence="The winner's squared distances to its n - byzantine - 2 nearest others have the "
    "smallest sum; of equals the first wins.",
)
def equals(student: Student, rng: np.random.Generator) -> None:
    """Give two pairs that mirror each other, and updates that are all the same."""
    pairs = np.array([[70.0, 0], [-1, 0], [1, 0], [-2, 0], [2, 0]])
    for updates in (pairs, pairs[::-1], np.full((5, 2), 3.0)):
        judge_krum(student, updates, byzantine=1, what="updates with equal scores")


@check("3.8", sentence="The order of the updates does not decide what comes out.")
def other_orders(student: Student, rng: np.random.Generator) -> None:
    updates = rng.normal(0, 2, (11, 4))
    updates[7:] += 30
    wanted = updates[robust.krum(updates, 4)]
    for _ in range(3):
        moved = rng.permutation(updates)
        judge_median(student, moved, what="the same updates in another order")
        judge_trimmed(student, moved, trim=4, what="the same updates in another order")
        winner = student.krum(moved, 4)
        assert isinstance(winner, int), f"krum returns an int; yours {winner!r:.40}"
        assert 0 <= winner < 11, f"krum returns 0 to 10; yours {winner}"
        assert np.array_equal(moved[winner], wanted), "in another order another update wins"


@check(
    "3.8",
    sentence="However far away fewer than half of the updates lie, the result stays where the "
    "others are.",
    weight=1.5,
)
def far_and_together(student: Student, rng: np.random.Generator) -> None:
    """Let as many as is allowed lie together, or on both sides, as far as float64 reaches."""
    for clients, wrong in ((5, 1), (7, 2), (13, 5)):
        for far in (1e9, 1e30, 1e100):
            updates = rng.integers(-9, 10, (clients, 4)).astype(float)
            updates[:wrong] = far
            if wrong > 1:
                updates[0] = -far
            moved = rng.permutation(updates)
            what = f"{wrong} of {clients} updates at {far:g}"
            judge_median(student, moved, what=f"median, {what}", scale=9)
            judge_trimmed(student, moved, trim=wrong, what=f"trimmed mean, {what}", scale=9)
            judge_krum(student, moved, byzantine=wrong, what=f"Krum, {what}")


@check(
    "3.8",
    sentence="It raises a ValueError if `byzantine` is negative or n is below 2 x byzantine + 3.",
    weight=0.5,
)
def other_limits(student: Student, rng: np.random.Generator) -> None:
    for byzantine in (0, 1, 4):
        updates = rng.integers(-9, 10, (2 * byzantine + 3, 2)).astype(float)
        judge_krum(student, updates, byzantine=byzantine, what=f"{len(updates)} updates")
        with raises("ValueError"):
            student.krum(updates[1:], byzantine)
        with raises("ValueError"):
            student.krum(updates, -1 - byzantine)
