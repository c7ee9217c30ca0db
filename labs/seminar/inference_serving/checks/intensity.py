"""The open checks of exercise 7.3: a network counted by hand, prefill, decode, and batches."""

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student

SMALL = {"parameters": 100, "layers": 1, "width": 2}
RELATIVE = 1e-12  # whole numbers; a float on the way keeps 15 digits


def by_pairs(
    model: dict[str, int], *, batch: int, new: int, cached: int, number_bytes: int
) -> tuple[int, int]:
    """Return operations and bytes, walking over all pairs of tokens."""
    ops, numbers = 0, model["parameters"]
    for _ in range(batch):
        ops += 2 * model["parameters"] * new
        for place in range(cached, cached + new):
            ops += sum(4 * model["layers"] * model["width"] for _ in range(place + 1))
        numbers += sum(2 * model["layers"] * model["width"] for _ in range(cached + new))
    return ops, numbers * number_bytes


def judge(
    student: Student, model: dict[str, int], *, batch: int, new: int, cached: int, number_bytes: int
) -> None:
    """Assert operations and bytes of a step."""
    how = {"batch": batch, "new": new, "cached": cached, "number_bytes": number_bytes}
    want_ops, want_bytes = by_pairs(model, **how)
    ops, moved = student.step_cost(model, **how)
    where = f"of a step with batch {batch}, {new} new and {cached} cached tokens"
    assert_equal(ops, want_ops, what=f"operations {where}", relative=RELATIVE)
    what = f"bytes {where}, {number_bytes} B a number"
    assert_equal(moved, want_bytes, what=what, relative=RELATIVE)


@check("7.3", sentence="Each new token costs 2 operations a parameter.")
def example_of_the_text(student: Student, rng: np.random.Generator) -> None:
    """Count one new token beside 3 cached ones: 232 operations, 116 bytes."""
    ops, moved = student.step_cost(SMALL, batch=1, new=1, cached=3, number_bytes=1)
    evidence.table(
        [
            {"what": "operations", "by hand": "2*100 + 4*1*2*4 = 232", "yours": ops},
            {"what": "bytes", "by hand": "100 + 2*1*2*4 = 116", "yours": moved},
        ]
    )
    assert_equal(ops, 232, what="operations of one new token beside 3 cached ones")
    assert_equal(moved, 116, what="bytes of one new token beside 3 cached ones")


@check(
    "7.3",
    sentence="Each pair of a new token and a token that it sees costs 4 x layers x width "
    "operations; a new token sees all cached ones, the new ones before it, and itself.",
)
def three_new_tokens(student: Student, rng: np.random.Generator) -> None:
    """Read 3 tokens at once: they see 1, 2 and 3; after 2 cached ones 3, 4 and 5."""
    for cached in (0, 2):
        judge(student, SMALL, batch=1, new=3, cached=cached, number_bytes=1)


@check("7.3", sentence="The weights move once a step, however many sequences there are.")
def more_sequences(student: Student, rng: np.random.Generator) -> None:
    """Let the batch grow: operations grow with it, bytes of weights do not."""
    for batch in (1, 2, 5):
        judge(student, SMALL, batch=batch, new=1, cached=3, number_bytes=1)


@check(
    "7.3",
    sentence="Keys and values of all tokens, cached and new, move once: 2 x layers x width "
    "numbers a token.",
)
def other_bytes(student: Student, rng: np.random.Generator) -> None:
    """Move numbers of 2 and 4 bytes, of a network with several layers."""
    model = {"parameters": 1000, "layers": 3, "width": 8}
    for number_bytes in (2, 4):
        judge(student, model, batch=2, new=4, cached=6, number_bytes=number_bytes)
