"""The open checks of exercise 7.2: a published network, and a memory filled block by block."""

from collections.abc import Mapping, Sequence

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student


def judge_bytes(
    student: Student, model: Mapping[str, int], *, tokens: int, batch: int, number_bytes: int
) -> None:
    """Assert the bytes by adding up layer by layer and head by head."""
    per_token = sum(
        2 * model["head_width"] * number_bytes
        for _ in range(model["layers"])
        for _ in range(model["kv_heads"])
    )
    got = student.cache_bytes(model, tokens=tokens, batch=batch, number_bytes=number_bytes)
    names = ("layers", "kv_heads", "head_width")
    shape = ", ".join(f"{name} {model[name]}" for name in names)
    what = f"bytes of {batch} x {tokens} tokens with {shape}, {number_bytes} B a number"
    assert_equal(got, per_token * tokens * batch, what=what)


def judge_fit(
    student: Student, memory_bytes: int, *, token_bytes: int, lengths: Sequence[int], block: int
) -> None:
    """Assert how many sequences fit by handing out one block at a time."""
    left, want = memory_bytes // (block * token_bytes), 0
    for length in lengths:
        for _ in range(0, length, block):
            left -= 1
        if left < 0:
            break
        want += 1
    got = student.sequences_that_fit(memory_bytes, token_bytes, lengths=list(lengths), block=block)
    what = (
        f"sequences of {evidence.brief(list(lengths))} tokens that fit into {memory_bytes} B in "
        f"blocks of {block}, {token_bytes} B a token"
    )
    assert_equal(got, want, what=what)


@check(
    "7.2",
    sentence="Each layer keeps one key and one value a KV head and token, of the head's width.",
)
def small_network(student: Student, rng: np.random.Generator) -> None:
    """Count 2 layers of 3 heads of width 5: 60 numbers a token, 240 B in float32."""
    model = {"layers": 2, "kv_heads": 3, "head_width": 5}
    got = student.cache_bytes(model, tokens=1, batch=1, number_bytes=4)
    evidence.table([{"keys": 30, "values": 30, "bytes expected": 240, "yours": got}])
    assert_equal(got, 240, what="bytes of a token with 2 layers, 3 KV heads of width 5, float32")


@check("7.2", sentence="Every number takes `number_bytes` bytes.")
def shared_keys(student: Student, rng: np.random.Generator) -> None:
    """Count a network with more queries than keys, for several tokens and sequences."""
    model = {"parameters": 1000, "layers": 4, "width": 96, "kv_heads": 2, "head_width": 8}
    for number_bytes in (1, 2, 4):
        judge_bytes(student, model, tokens=7, batch=3, number_bytes=number_bytes)


@check(
    "7.2", sentence="A sequence takes whole blocks of `block` tokens, the last one perhaps in part."
)
def blocks_of_four(student: Student, rng: np.random.Generator) -> None:
    """Fill 16 tokens of 10 B with 3, 5 and 4 tokens, in blocks of 1 and of 4."""
    rows = []
    for block, want in ((1, 3), (4, 3), (8, 2), (16, 1)):
        got = student.sequences_that_fit(160, 10, lengths=[3, 5, 4], block=block)
        rows.append({"block": block, "fit": want, "yours": got})
    evidence.table(rows)
    for row in rows:
        what = f"sequences of 3, 5 and 4 tokens that fit into 16, in blocks of {row['block']}"
        assert_equal(row["yours"], row["fit"], what=what)


@check(
    "7.2",
    sentence="The first sequence that does not fit ends it, even if a later one were small enough.",
)
def large_one_first(student: Student, rng: np.random.Generator) -> None:
    """Put a sequence that never fits before small ones."""
    judge_fit(student, 100, token_bytes=10, lengths=[2, 50, 1, 1], block=1)
    judge_fit(student, 100, token_bytes=10, lengths=[11, 1], block=1)


@check("7.2", sentence="A memory that is just full is full, and not too small.")
def just_full(student: Student, rng: np.random.Generator) -> None:
    """Fill a memory to its last byte, and one byte more."""
    for memory_bytes in (119, 120, 121):
        judge_fit(student, memory_bytes, token_bytes=10, lengths=[4, 4, 4, 4], block=4)
