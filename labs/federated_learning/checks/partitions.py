"""The open checks of exercise 3.2: a dozen samples of three classes, dealt to three clients."""

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student

# A mean of differences of shares: some hundred additions of numbers up to 1, each rounded by 1e-16
# of itself at most, and float32 is good to 1e-7. A wrong formula is off by far more.
SKEW_ERROR = 1e-6
TIE = Fraction(1, 10**9)  # remainders that are nearer could be sorted either way by rounding


# ---- what is right, worked out in whole numbers and fractions


def shard_parts(labels: Any, order: Any, *, per_client: int) -> list[list[int]]:
    """Return each client's positions, sorted: runs of the samples in the order of their classes."""
    ranked = sorted(range(len(labels)), key=lambda i: (labels[i], i))
    short, longer = divmod(len(labels), len(order))
    starts = [number * short + min(number, longer) for number in range(len(order) + 1)]
    pieces = [ranked[a:b] for a, b in itertools.pairwise(starts)]
    rows = [order[i : i + per_client] for i in range(0, len(order), per_client)]
    return [sorted(place for number in row for place in pieces[number]) for row in rows]


def seats(shares: Sequence[float], total: int) -> list[int]:
    """Return how many each share gets, by the largest remainders; ties go to the first."""
    exact = [Fraction(float(share)) * total for share in shares]
    whole = [int(each) for each in exact]
    ranked = sorted(range(len(exact)), key=lambda j: (whole[j] - exact[j], j))
    for j in ranked[: total - sum(whole)]:
        whole[j] += 1
    return whole


def is_tied(shares: Sequence[float], total: int) -> bool:
    """Return whether who gets what is left hangs on rounding."""
    exact = [Fraction(float(share)) * total for share in shares]
    rest = sorted((each - int(each) for each in exact), reverse=True)
    left = total - sum(map(int, exact))
    return 0 < left < len(rest) and rest[left - 1] - rest[left] < TIE


def share_parts(labels: Any, shares: Any) -> list[list[int]]:
    """Return each client's positions, sorted: its share of each class, the first client first."""
    parts: list[list[int]] = [[] for _ in range(np.shape(shares)[1])]
    for label, row in zip(sorted(set(np.asarray(labels).tolist())), shares, strict=True):
        places = [i for i, each in enumerate(labels) if each == label]
        for part, count in zip(parts, seats(row, len(places)), strict=True):
            part.extend(places[:count])
            places = places[count:]
    return [sorted(part) for part in parts]


def true_skew(labels: Any, parts: Sequence[Any]) -> Fraction:
    """Return the mean total variation distance of the parts that hold samples."""
    whole = [int(each) for each in labels]
    names, filled = sorted(set(whole)), [[whole[i] for i in part] for part in parts if len(part)]
    far = [
        abs(Fraction(part.count(name), len(part)) - Fraction(whole.count(name), len(whole)))
        for part in filled
        for name in names
    ]
    return sum(far, Fraction(0)) / 2 / len(filled)


# ---- judging


def parts_of(got: Any, *, clients: int, samples: int) -> list[list[int]]:
    """Return the answer's parts, sorted, or assert what is wrong with their form."""
    assert isinstance(got, list | tuple | np.ndarray), f"return a list of arrays, not {got!r:.40}"
    assert len(got) == clients, f"return {clients} parts, one a client; yours {len(got)}"
    parts: list[list[int]] = []
    for client, part in enumerate(got):
        array = np.asarray(part)
        is_whole = array.ndim == 1 and (array.dtype.kind in "iu" or array.size == 0)
        assert is_whole, (
            f"the part of client {client} is an array of positions, whole numbers; yours "
            f"{array.dtype} of shape {array.shape}"
        )
        parts.append(sorted(array.tolist()))
    dealt = sorted(place for part in parts for place in part)
    twice = next((a for a, b in itertools.pairwise(dealt) if a == b), None)
    assert twice is None, f"position {twice} is dealt more than once"
    lost = sorted(set(range(samples)) - set(dealt))
    assert not lost, f"{len(lost)} of {samples} samples are lost, position {lost[0]} for one"
    assert len(dealt) == samples, f"position {(set(dealt) - set(range(samples))).pop()} is none"
    return parts


def judge_parts(got: Any, wanted: Sequence[list[int]], *, labels: Any) -> None:
    """Assert each client's positions, in any order; the message tells sizes and classes first."""
    parts = parts_of(got, clients=len(wanted), samples=len(labels))
    for client, (have, want) in enumerate(zip(parts, wanted, strict=True)):
        assert len(have) == len(want), (
            f"client {client} gets {len(want)} samples; yours {len(have)}"
        )
        classes, right = (_tally(labels, part) for part in (have, want))
        assert classes == right, (
            f"client {client} has {_said(right)} samples of classes {_said(right, keys=True)}; "
            f"yours {_said(classes)} of {_said(classes, keys=True)}"
        )
        other = sorted(set(want) - set(have))
        assert not other, (
            f"client {client}: the classes are right, but position {other[0]} is missing, and "
            f"position {sorted(set(have) - set(want))[0]} belongs to another client"
        )


def _tally(labels: Any, part: Sequence[int]) -> dict[int, int]:
    own = [int(labels[i]) for i in part]
    return {label: own.count(label) for label in sorted(set(own))}


def _said(tally: dict[int, int], *, keys: bool = False) -> str:
    numbers = list(tally if keys else tally.values())
    return ", ".join(map(str, numbers[:6])) + (" ..." if len(numbers) > 6 else "")


def judge_skew(got: Any, *, labels: Any, parts: Sequence[Any]) -> None:
    """Assert the skew of a partition."""
    assert isinstance(got, int | float | np.ndarray), f"return a number, not {got!r:.40}"
    assert np.ndim(got) == 0, f"return one number; yours has the shape {np.shape(got)}"
    want = float(true_skew(labels, parts))
    assert abs(float(got) - want) <= SKEW_ERROR, f"the skew is {want:.4f}; yours {float(got):.4f}"


def table_of(got: Any, wanted: Sequence[list[int]], *, labels: NDArray[np.int64]) -> None:
    """Show for each client whose samples of which class are asked for, and came."""
    names = np.unique(labels).tolist()
    given = list(got) if isinstance(got, list | tuple) else []
    rows: list[dict[str, Any]] = []
    for client, want in enumerate(wanted):
        yours = np.asarray(given[client]).tolist() if client < len(given) else None
        counts = {f"class {name}": int((labels[want] == name).sum()) for name in names}
        rows.append({"client": client, **counts, "positions": str(want), "yours": str(yours)})
    evidence.table(rows)


# ---- open cases

LABELS = np.array([2, 0, 1, 0, 2, 2, 1, 0, 2, 0, 2, 1])  # 4, 3 and 5 samples


@check(
    "3.2",
    sentence="Client j holds the shards numbered `order[j * per_client]` to "
    "`order[j * per_client + per_client - 1]`.",
)
def six_shards(student: Student, rng: np.random.Generator) -> None:
    """Deal six shards of two samples to three clients."""
    order = np.array([5, 0, 3, 1, 2, 4])
    got = student.deal_shards(LABELS, order, 2)
    wanted = shard_parts(LABELS, order, per_client=2)
    table_of(got, wanted, labels=LABELS)
    judge_parts(got, wanted, labels=LABELS)


@check(
    "3.2",
    sentence="The positions in the order of their class, within a class in ascending order, are "
    "cut into `len(order)` shards; the first `n % len(order)` have one sample more than the "
    "others.",
)
def five_shards(student: Student, rng: np.random.Generator) -> None:
    """Deal five shards, of 3, 3, 2, 2 and 2 samples."""
    order = rng.permutation(5)
    got = student.deal_shards(LABELS, order, 1)
    wanted = shard_parts(LABELS, order, per_client=1)
    table_of(got, wanted, labels=LABELS)
    judge_parts(got, wanted, labels=LABELS)


@check(
    "3.2",
    sentence="Of the n samples of a class, client j gets floor(share * n); those that are left go, "
    "one each, to the clients with the largest remainders.",
    weight=1.5,
)
def three_clients(student: Student, rng: np.random.Generator) -> None:
    """Deal 4, 3 and 5 samples by shares whose remainders differ."""
    shares = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.25, 0.0, 0.75]])
    got = student.deal_by_shares(LABELS, shares)
    wanted = share_parts(LABELS, shares)
    table_of(got, wanted, labels=LABELS)
    judge_parts(got, wanted, labels=LABELS)


@check(
    "3.2",
    sentence="The first client gets the first positions of a class, the next client those that "
    "follow.",
    weight=0.5,
)
def halves(student: Student, rng: np.random.Generator) -> None:
    """Deal each class in halves, of even numbers of samples."""
    labels = rng.permutation(np.repeat([0, 1], [6, 4]))
    shares = np.array([[0.5, 0.5], [0.5, 0.5]])
    got = student.deal_by_shares(labels, shares)
    wanted = share_parts(labels, shares)
    table_of(got, wanted, labels=labels)
    judge_parts(got, wanted, labels=labels)


@check(
    "3.2",
    sentence="The skew is the mean, over the clients, of half the sum over the classes of "
    "|share of the class at the client - share of the class in all `labels`|.",
)
def two_clients(student: Student, rng: np.random.Generator) -> None:
    """Compare a client with one class and one with three with the whole."""
    parts = [np.array([1, 3, 7, 9]), np.array([0, 2, 4, 5, 6, 8, 10, 11])]
    got = student.skew(LABELS, parts)
    evidence.table(
        [{"client": c, "classes": str(LABELS[part].tolist())} for c, part in enumerate(parts)]
        + [{"client": "skew", "classes": f"{float(true_skew(LABELS, parts)):.4f}; yours {got!s}"}]
    )
    judge_skew(got, labels=LABELS, parts=parts)
