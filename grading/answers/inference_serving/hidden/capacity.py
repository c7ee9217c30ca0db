"""The hidden checks of exercise 7.2: the same sentences, other networks, blocks and memories."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.inference_serving.checks.capacity import judge_bytes, judge_fit


@check(
    "7.2",
    sentence="Each layer keeps one key and one value a KV head and token, of the head's width.",
)
def other_networks(student: Student, rng: np.random.Generator) -> None:
    for _ in range(4):
        layers, kv_heads, head_width, tokens, batch = (int(n) for n in rng.integers(2, 50, 5))
        model = {"layers": layers, "width": 999, "kv_heads": kv_heads, "head_width": head_width}
        judge_bytes(student, model, tokens=tokens, batch=batch, number_bytes=2)


@check("7.2", sentence="Every number takes `number_bytes` bytes.")
def a_published_network(student: Student, rng: np.random.Generator) -> None:
    model = {"layers": 40, "width": 5120, "kv_heads": 40, "head_width": 128}
    for number_bytes in (1, 2, 4):
        judge_bytes(student, model, tokens=2048, batch=1, number_bytes=number_bytes)


@check(
    "7.2", sentence="A sequence takes whole blocks of `block` tokens, the last one perhaps in part."
)
def other_blocks(student: Student, rng: np.random.Generator) -> None:
    for block in (1, 2, 7, 16, 64):
        lengths = rng.integers(1, 100, 30).tolist()
        judge_fit(student, 12 * 700, token_bytes=12, lengths=lengths, block=block)


@check(
    "7.2",
    sentence="The first sequence that does not fit ends it, even if a later one were small enough.",
)
def long_queues(student: Student, rng: np.random.Generator) -> None:
    for _ in range(4):
        lengths = rng.choice([1, 2, 3, 40], 20).tolist()
        judge_fit(student, 5 * 50, token_bytes=5, lengths=[*lengths, 40, 40, 1, 1], block=2)
    judge_fit(student, 100, token_bytes=10, lengths=[], block=2)


@check("7.2", sentence="A memory that is just full is full, and not too small.")
def other_full_memories(student: Student, rng: np.random.Generator) -> None:
    block, token_bytes = (int(n) for n in rng.integers(2, 20, 2))
    full = 5 * block * token_bytes
    for memory_bytes in (full - 1, full, full + 1, 0):
        lengths = [block, 2 * block, block - 1, 1, 1, 1]
        judge_fit(student, memory_bytes, token_bytes=token_bytes, lengths=lengths, block=block)
