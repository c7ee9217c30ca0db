"""The open checks of exercise 7.6: one key by hand, many drawn ones, bytes and the bound."""

from collections.abc import Mapping

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student

FLOAT32 = 1e-5  # scales may be float32, with 24 bits


def judge_codes(student: Student, values: np.ndarray, *, what: str) -> None:
    """Assert codes and scales of keys or values."""
    answer, scales = (np.asarray(each) for each in student.quantize_tokens(values))
    codes, scales = answer.astype(float), scales.astype(float)
    largest = np.abs(values.astype(float)).max(axis=2)
    want = np.where(largest == 0, 1.0, largest / 127)
    assert scales.shape == want.shape, (
        f"{what}: one scale a head and token, {want.shape}; yours have {scales.shape}"
    )
    off = np.abs(scales / want - 1).max()
    assert off <= FLOAT32, f"{what}: a scale is off by {off:.2%} of the largest number over 127"
    assert codes.shape == values.shape, f"{what}: the codes have the shape of the values"
    assert bool((codes == np.round(codes)).all()), f"{what}: codes are whole numbers"
    assert bool((np.abs(codes) <= 127).all()), f"{what}: codes lie in -127 to 127"
    is_whole = np.issubdtype(answer.dtype, np.integer)  # of lists as well
    assert is_whole, f"{what}: codes are int8, yours are {answer.dtype.name}"
    far = np.abs(codes - values / want[:, :, None]).max()
    # Half a step; scales of 24 bits move a code of 127 by far less than 1e-3.
    assert far <= 0.5 + 1e-3, f"{what}: a code is {far:.2f} steps from its number, not the nearest"


def judge_bytes(student: Student, model: Mapping[str, int]) -> None:
    """Assert the bytes of a token, head by head."""
    heads = 2 * model["layers"] * model["kv_heads"]
    want = sum(model["head_width"] + 4 for _ in range(heads))
    what = f"bytes of a token with {heads} keys and values of width {model['head_width']}"
    assert_equal(student.int8_token_bytes(model), want, what=what)


def judge_bound(student: Student, query: np.ndarray, *, scales: np.ndarray) -> None:
    """Assert the bound of each score with loops."""
    want = [
        [sum(abs(x) for x in q) * s / 2 / len(q) ** 0.5 for s in row]
        for q, row in zip(query.tolist(), scales.tolist(), strict=True)
    ]
    got = student.score_error_bound(query, scales)
    assert_equal(got, want, what="how far the scores may be off", relative=FLOAT32)


def judge_holds(student: Student, query: np.ndarray, *, keys: np.ndarray) -> None:
    """Assert that no score of rounded keys is further off than the bound."""
    codes, scales = (np.asarray(each, dtype=float) for each in student.quantize_tokens(keys))
    bound = np.asarray(student.score_error_bound(query, scales))
    errors = np.einsum("hd,htd->ht", query, codes * scales[:, :, None] - keys)
    share = float((np.abs(errors) / query.shape[1] ** 0.5 / bound).max())
    assert share <= 1 + FLOAT32, f"a score is off by {share:.3f} times your bound"


@check(
    "7.6",
    sentence="Each head and token has its own scale, its largest absolute number over 127; where"
    " all are 0, the scale is 1.",
)
def a_key_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take the key of the text, with the scale 0.02, and a second head ten times as large."""
    key = np.array([2.54, -1.28, 0.0], dtype=np.float32)
    values = np.stack([key, 10 * key])[:, None]
    codes, scales = student.quantize_tokens(values)
    evidence.table(
        [
            {"head": i, "codes": np.asarray(codes)[i].ravel(), "scale": np.asarray(scales)[i]}
            for i in range(2)
        ]
    )
    assert_equal(scales, [[0.02], [0.2]], what="the scales of two heads", relative=FLOAT32)
    assert_equal(codes, [[[127, -64, 0]]] * 2, what="the codes of two heads")


@check("7.6", sentence="A code is the nearest whole number to number / scale.")
def many_tokens(student: Student, rng: np.random.Generator) -> None:
    """Draw keys of several heads whose sizes differ a thousandfold, with a token of zeros."""
    sizes = 10.0 ** rng.uniform(-2, 1, (3, 6, 1))
    values = (sizes * rng.normal(size=(3, 6, 8))).astype(np.float32)
    judge_codes(student, values, what="tokens of different sizes")
    values[1, 2] = 0
    judge_codes(student, values, what="a token of zeros")


@check("7.6", sentence="A number takes 1 byte, and each scale 4, for keys as for values.")
def bytes_of_a_token(student: Student, rng: np.random.Generator) -> None:
    """Count 2 layers, 3 heads of width 16: 12 keys and values of 20 B."""
    judge_bytes(student, {"layers": 2, "kv_heads": 3, "head_width": 16})


@check(
    "7.6",
    sentence="The bound is the sum of the query's absolute numbers times half a scale, over the "
    "square root of the head's width.",
)
def bound_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take the query of the text, and check that the bound of drawn keys holds."""
    judge_bound(student, np.array([[1.0, -2.0, 0.0]]), scales=np.array([[0.02, 0.5]]))
    query, keys = rng.normal(size=(2, 8)), rng.normal(size=(2, 30, 8)).astype(np.float32)
    judge_holds(student, query, keys=keys)
