"""The open checks of exercise 3.8: averages of a few clients, by hand."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labs.engine import evidence
from labs.engine.checks import check, raises
from labs.engine.student import Student
from labs.federated_learning import robust

Updates = NDArray[np.float64]
# Sums of fewer than 100 float64 numbers are right to 1e-14 of the largest that is kept; a sum that
# an outlier of 1e12 or more went through is not right to 1e-9.
RELATIVE = 1e-9


def judge_columns(got: Any, want: Updates, *, scale: float, what: str) -> None:
    """Assert that an answer is one number a column, and right to rounding.

    Parameters
    ----------
    got
        What the student's function returned.
    want
        (size,).
    scale
        Largest magnitude of the numbers that take part.
    what
        For the message.
    """
    have = np.asarray(got)
    assert have.shape == want.shape, (
        f"{what}: one number a column, shape {want.shape}; yours has shape {have.shape}"
    )
    assert have.dtype.kind in "iuf", f"{what}: give numbers, not {have.dtype}"
    is_right = np.abs(have - want) <= RELATIVE * scale  # false for NaN
    if not is_right.all():
        column = int(np.argmin(is_right))
        raise AssertionError(
            f"{what}: column {column} gives {want[column]:g}; yours {have[column]:g}"
        )


def judge_median(student: Student, updates: Updates, *, what: str, scale: float = 0) -> None:
    """Assert the median of each column.

    Parameters
    ----------
    student
        Has `coordinate_median`.
    updates
        (n, size).
    what
        For the message.
    scale
        As in `judge_columns`; that of all updates without it.
    """
    want = robust.coordinate_median(updates)
    scale = scale or float(np.abs(updates).max())
    judge_columns(student.coordinate_median(updates), want, scale=scale, what=what)


def judge_trimmed(
    student: Student, updates: Updates, *, trim: int, what: str, scale: float = 0
) -> None:
    """Assert the trimmed mean of each column; see `judge_median`.

    Parameters
    ----------
    student
        Has `trimmed_mean`.
    updates
        (n, size).
    trim
        Numbers left out at each end.
    what, scale
        As in `judge_median`.
    """
    want = robust.trimmed_mean(updates, trim)
    scale = scale or float(np.abs(updates).max())
    judge_columns(student.trimmed_mean(updates, trim), want, scale=scale, what=what)


def judge_krum(student: Student, updates: Updates, *, byzantine: int, what: str) -> None:
    """Assert which update wins.

    Parameters
    ----------
    student
        Has `krum`.
    updates
        (n, size); whole numbers where scores may be equal, so that rounding breaks no tie.
    byzantine
        How many may be wrong.
    what
        For the message.
    """
    want = robust.krum(updates, byzantine)
    got = student.krum(updates, byzantine)
    assert type(got) is int, f"{what}: return which update wins, an int; yours is {got!r:.40}"
    assert int(got) == want, f"{what}: update {want} wins; yours is {int(got)}"


def judge_refusals(student: Student) -> None:
    """Assert that trim and byzantine are checked, and what is just allowed is not refused."""
    updates = np.arange(14.0).reshape(7, 2)
    judge_trimmed(student, updates, trim=3, what="trim 3 of 7 updates")
    judge_krum(student, updates, byzantine=2, what="7 updates, 2 of them wrong")
    for trim in (4, -1):
        with raises("ValueError"):
            student.trimmed_mean(updates, trim)
    with raises("ValueError"):
        student.trimmed_mean(updates[:6], 3)
    for byzantine in (3, -1):
        with raises("ValueError"):
            student.krum(updates, byzantine)
    with raises("ValueError"):
        student.krum(updates[:6], 2)


@check(
    "3.8",
    sentence="`coordinate_median(updates)` returns the median of each column; of an even number "
    "of updates that is the mean of the middle two.",
)
def five_and_four_clients(student: Student, rng: np.random.Generator) -> None:
    """Show five updates with one attacker, and the four without the first."""
    columns = [[1.0, 2, 4, 8, 90], [10, 30, 20, 60, -70], [0, 0, 0, 9, -9]]
    updates = rng.permuted(np.array(columns), axis=1).T
    for some in (updates, updates[1:]):
        got = np.ravel(np.asarray(student.coordinate_median(some)))
        wanted = zip(some.T.tolist(), robust.coordinate_median(some), strict=True)
        evidence.table(
            [
                {
                    "column": str(column),
                    "median": float(want),
                    "yours": float(got[at]) if len(got) == 3 else None,
                }
                for at, (column, want) in enumerate(wanted)
            ]
        )
        judge_median(student, some, what=f"{len(some)} updates")


@check(
    "3.8",
    sentence="`trimmed_mean(updates, trim)` leaves out the `trim` smallest and the `trim` largest "
    "numbers of each column and returns the mean of the rest.",
)
def six_clients_without_their_ends(student: Student, rng: np.random.Generator) -> None:
    """Leave out none, one and two of six at each end."""
    updates = rng.permuted(np.array([[1.0, 2, 4, 8, 16, 900], [-900, 1, 1, 3, 7, 7]]), axis=1).T
    for trim in (0, 1, 2):
        want = robust.trimmed_mean(updates, trim).tolist()
        got = student.trimmed_mean(updates, trim)
        evidence.table(
            [{"trim": trim, "trimmed mean": str(want), "yours": str(np.asarray(got).tolist())}]
        )
        judge_trimmed(student, updates, trim=trim, what=f"trim {trim} of 6 updates")


@check(
    "3.8",
    sentence="The winner's squared distances to its n - byzantine - 2 nearest others have the "
    "smallest sum; of equals the first wins.",
    weight=1.5,
)
def seven_clients_on_a_line(student: Student, rng: np.random.Generator) -> None:
    """Show the scores of seven updates, and of the example with two equals."""
    line = np.array([[0.0], [1], [3], [4], [6], [50], [70]])
    for updates, byzantine in ((rng.permutation(line), 2), (line[[0, 1, 1, 2, 6]], 1)):
        scores = robust.krum_scores(updates, byzantine)
        got = student.krum(updates, byzantine)
        evidence.table(
            [
                {
                    "update": number,
                    "number sent": float(own[0]),
                    "score": float(score),
                    "yours wins": "yes" if number == got else "",
                }
                for number, (own, score) in enumerate(zip(updates, scores, strict=True))
            ]
        )
        what = f"{len(updates)} updates, {byzantine} of them wrong"
        judge_krum(student, updates, byzantine=byzantine, what=what)


@check(
    "3.8",
    sentence="However far away fewer than half of the updates lie, the result stays where the "
    "others are.",
)
def two_of_seven_far_away(student: Student, rng: np.random.Generator) -> None:
    """Move two of seven updates farther and farther away."""
    honest = rng.integers(-9, 10, (5, 3)).astype(float)
    rows = []
    answers = []
    for far in (1e3, 1e9, 1e18):
        updates = np.concatenate([honest, np.full((2, 3), far)])
        median = np.asarray(student.coordinate_median(updates))
        trimmed = np.asarray(student.trimmed_mean(updates, 2))
        winner = student.krum(updates, 2)
        rows.append(
            {
                "two lie at": far,
                "your median": str(median.tolist()),
                "your trimmed mean": str(trimmed.tolist()),
                "your Krum": str(winner),
            }
        )
        answers.append((updates, far))
    evidence.table(rows)
    for updates, far in answers:
        what = f"two of 7 updates at {far:g}"
        judge_median(student, updates, what=f"median, {what}", scale=9)
        judge_trimmed(student, updates, trim=2, what=f"trimmed mean, {what}", scale=9)
        judge_krum(student, updates, byzantine=2, what=f"Krum, {what}")


@check(
    "3.8",
    sentence="It raises a ValueError if `byzantine` is negative or n is below 2 x byzantine + 3.",
    weight=0.5,
)
def too_few_updates(student: Student, rng: np.random.Generator) -> None:
    """Try what is just allowed, and what is not."""
    judge_refusals(student)
