"""The hidden checks of exercise 7.6: the same sentences on other keys, shapes and queries."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.inference_serving.checks.int8 import (
    judge_bound,
    judge_bytes,
    judge_codes,
    judge_holds,
)


@check(
    "7.6",
    sentence="Each head and token has its own scale, its largest absolute number over 127; where"
    " all are 0, the scale is 1.",
)
def largest_are_negative(student: Student, rng: np.random.Generator) -> None:
    values = rng.uniform(-0.2, 0.2, (2, 5, 6)).astype(np.float32)
    values[:, :, 3] = -rng.uniform(0.9, 2.0, (2, 5))
    judge_codes(student, values, what="the largest numbers are negative")
    judge_codes(student, 0 * values, what="nothing but zeros")


@check("7.6", sentence="A code is the nearest whole number to number / scale.")
def other_sizes(student: Student, rng: np.random.Generator) -> None:
    for heads, tokens, width in ((1, 4, 9), (4, 1, 3), (3, 3, 3), (2, 30, 16)):
        sizes = 10.0 ** rng.uniform(-3, 3, (heads, tokens, 1))
        values = (sizes * rng.normal(size=(heads, tokens, width))).astype(np.float32)
        judge_codes(student, values, what=f"{heads} heads, {tokens} tokens, width {width}")


@check("7.6", sentence="A number takes 1 byte, and each scale 4, for keys as for values.")
def other_bytes(student: Student, rng: np.random.Generator) -> None:
    for _ in range(4):
        layers, kv_heads, head_width = (int(n) for n in rng.integers(2, 60, 3))
        names = {"layers": layers, "width": 999, "kv_heads": kv_heads, "head_width": head_width}
        judge_bytes(student, names)


@check(
    "7.6",
    sentence="The bound is the sum of the query's absolute numbers times half a scale, over the "
    "square root of the head's width.",
)
def other_bounds(student: Student, rng: np.random.Generator) -> None:
    for heads, tokens, width in ((1, 1, 5), (3, 7, 4), (4, 4, 4), (2, 9, 1)):
        scales = rng.uniform(0.001, 0.5, (heads, tokens))
        judge_bound(student, rng.normal(size=(heads, width)), scales=scales)
    keys = rng.normal(size=(3, 40, 4)).astype(np.float32)
    judge_holds(student, rng.normal(size=(3, 4)), keys=keys)
