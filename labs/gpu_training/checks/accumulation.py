"""The open checks of exercise 2.4: batches with gaps, and a gradient that the check computes."""

import math
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Callback, Student, callback

Codes = NDArray[np.int64]
Batch = tuple[Codes, Codes]
IGNORED = -100

# Each of at most 40 pieces adds two roundings, of 6e-8 in float32, and parts of either sign may be
# some times larger than their sum. What a wrong weight changes is more than a hundredth.
RELATIVE = 1e-4


def softmax_of_pairs(table: NDArray[np.float64]) -> Callback:
    """Return ``gradient_of`` for logits ``table[x] + bias``: its loss and two gradients.

    Without any target that counts, all of them are not numbers, as in torch.
    """

    def gradient_of(x: Any, y: Any) -> tuple[float, list[NDArray[np.float64]]]:
        x, y = _piece(x, y)
        codes, targets = x[y != IGNORED], y[y != IGNORED]
        weights, bias = np.zeros_like(table), np.zeros(table.shape[1])
        if not len(codes):
            return math.nan, [weights + math.nan, bias + math.nan]
        logits = table[codes]
        scores = np.exp(logits - logits.max(1, keepdims=True))
        shares = scores / scores.sum(1, keepdims=True)
        loss = -np.log(shares[np.arange(len(codes)), targets]).mean()
        shares[np.arange(len(codes)), targets] -= 1
        np.add.at(weights, codes, shares / len(codes))
        return float(loss), [weights, shares.mean(0)]

    return callback(gradient_of)


def draw(rng: np.random.Generator, lengths: list[int], *, tokens: int, codes: int = 11) -> Batch:
    """Return a batch in which so many targets of each sequence count, anywhere in it."""
    x = rng.integers(0, codes, (len(lengths), tokens))
    y = rng.integers(0, codes, x.shape)
    for row, length in zip(y, lengths, strict=True):
        row[rng.permutation(tokens)[length:]] = IGNORED
    return x, y


def judge_pieces(asked: Callback, batch: Batch, *, size: int) -> None:
    """Assert that each sequence was asked for once, in pieces as large as allowed."""
    x, y = batch
    pieces = [_piece(*call) for call in asked.calls]
    for codes, _ in pieces:
        assert len(codes) <= size, (
            f"a piece holds at most {size} sequences; gradient_of got one of {len(codes)}"
        )
    most = math.ceil(len(x) / size)
    assert len(pieces) <= most, (
        f"{len(x)} sequences in pieces of {size} are {most} pieces; gradient_of was called "
        f"{len(pieces)} times"
    )
    given = [np.hstack([codes, targets]) for codes, targets in pieces]
    have = sorted(row.tolist() for rows in given for row in rows if _counts(row))
    want = sorted(row.tolist() for row in np.hstack([x, y]) if _counts(row))
    assert have == want, (
        "each sequence goes to gradient_of once, with its own targets; "
        f"{len(want)} with targets that count were to go, {len(have)} went"
        + ("" if len(have) != len(want) else ", not the same")
    )


def _piece(x: Any, y: Any) -> Batch:
    """Return what `gradient_of` was called with, if it is two arrays of one shape."""
    shapes = np.shape(x), np.shape(y)
    assert len(shapes[0]) == 2, f"gradient_of takes arrays (sequences, tokens); got {shapes[0]}"
    assert shapes[0] == shapes[1], f"codes and targets have one shape; gradient_of got {shapes}"
    return np.asarray(x), np.asarray(y)


def _counts(row: NDArray[np.int64]) -> bool:
    return bool((row[len(row) // 2 :] != IGNORED).any())


def judge_answer(got: object, want: tuple[float, list[NDArray[np.float64]]], *, what: str) -> None:
    """Assert loss, shapes and values, those that are not numbers first."""
    is_pair = isinstance(got, tuple | list) and len(got) == 2 and np.shape(got[0]) == ()
    assert is_pair, (
        f"{what}: a loss and a list of gradients are asked for; you have {evidence.brief(got)}"
    )
    loss, gradients = cast(tuple[Any, list[Any]], got)
    shapes = [np.shape(each) for each in gradients]
    assert shapes == [each.shape for each in want[1]], (
        f"{what}: gradients of the shapes {[each.shape for each in want[1]]}; yours {shapes}"
    )
    _judge_number(loss, np.array(want[0]), what=f"{what}: the loss")
    for number, (have, right) in enumerate(zip(gradients, want[1], strict=True)):
        _judge_number(have, right, what=f"{what}: gradient {number}")


def _judge_number(got: Any, want: NDArray[np.float64], *, what: str) -> None:
    have = np.asarray(got, dtype=np.float64)
    assert bool(np.isfinite(have).all()), (
        f"{what} is not a number; a piece without a target that counts adds none"
    )
    largest, apart = float(np.abs(want).max()), float(np.abs(have - want).max())
    assert apart <= RELATIVE * largest, (
        f"{what} is {apart / largest:.2g} of its size away from that of the whole batch; each "
        "token that counts weighs the same"
    )


@check(
    "2.4",
    sentence="Loss and gradients are those of the whole batch: each token that counts "
    "weighs the same.",
    weight=2.0,
)
def three_sequences(student: Student, rng: np.random.Generator) -> None:
    """Take three sequences with 4, 1 and 1 targets that count in pieces of two."""
    x = np.array([[0, 1, 2, 3], [1, 1, 0, 2], [3, 0, 0, 1]])
    y = np.array([[1, 2, 3, 0], [2, IGNORED, IGNORED, IGNORED], [0, IGNORED, IGNORED, IGNORED]])
    table = np.where(np.eye(4, k=1) > 0, 2.0, 0.0)  # expects the next code
    asked = softmax_of_pairs(table)
    want = softmax_of_pairs(table)(x, y)
    got = student.accumulated_gradients(asked, (x, y), size=2)
    rows = [
        {"piece": number, "sequences": len(codes), "targets that count": int((t != IGNORED).sum())}
        | {"mean loss": softmax_of_pairs(table)(codes, t)[0]}
        for number, (codes, t) in enumerate(asked.calls)
        if np.ndim(codes) == 2
    ]
    counts = int((y != IGNORED).sum())
    whole = {"piece": "whole batch", "sequences": 3, "targets that count": counts}
    evidence.table([*rows, whole | {"mean loss": want[0]}])
    judge_answer(got, want, what="4, 1 and 1 targets")


@check(
    "2.4",
    sentence="No piece holds more than `size` sequences, and there are as few pieces as "
    "that allows.",
)
def pieces_of_three(student: Student, rng: np.random.Generator) -> None:
    """Watch how ten sequences go to `gradient_of` in pieces of three: 3, 3, 3 and 1."""
    x, y = draw(rng, [4] * 10, tokens=4)
    asked = softmax_of_pairs(rng.normal(size=(11, 11)))
    student.accumulated_gradients(asked, (x, y), size=3)
    sizes = [len(np.asarray(codes)) for codes, _ in asked.calls]
    evidence.table([{"sequences": 10, "size": 3, "your pieces": sizes}])
    judge_pieces(asked, (x, y), size=3)


@check("2.4", sentence="A piece in which no token counts adds nothing: its mean is not a number.")
def an_empty_piece(student: Student, rng: np.random.Generator) -> None:
    """Take a batch whose second piece holds padding alone."""
    x, y = draw(rng, [3, 2, 0, 0, 1], tokens=4)
    asked = softmax_of_pairs(table := rng.normal(size=(11, 11)))
    got = student.accumulated_gradients(asked, (x, y), size=2)
    judge_answer(got, softmax_of_pairs(table)(x, y), what="a piece of padding")
