"""The open checks of exercise 7.1: one head by hand, two heads, a first token, large scores."""

import math

import numpy as np

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student

# Sums over some dozen products in float64, 1e-16 each; float32 would be off by 1e-7.
RELATIVE = 1e-9


def by_definition(
    token: tuple[np.ndarray, np.ndarray, np.ndarray], *, keys: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """Return what each head takes, with loops; a token is query, key and value."""
    query, key, value = token
    rows = []
    for head in range(len(query)):
        past = [*zip(keys[head], values[head], strict=True), (key[head], value[head])]
        scores = [float(query[head] @ k) / math.sqrt(len(query[head])) for k, _ in past]
        powers = [math.exp(score - max(scores)) for score in scores]
        mixed = sum(power * v for power, (_, v) in zip(powers, past, strict=True))
        rows.append(mixed / math.fsum(powers))
    return np.array(rows)


def draw(
    rng: np.random.Generator, heads: int, *, tokens: int, width: int
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """Return a token (query, key, value), keys and values."""
    query, key, value = rng.normal(size=(3, heads, width))
    keys, values = rng.normal(size=(2, heads, tokens, width))
    return (query, key, value), keys, values


def judge(
    student: Student,
    token: tuple[np.ndarray, np.ndarray, np.ndarray],
    *,
    keys: np.ndarray,
    values: np.ndarray,
    what: str,
) -> None:
    """Assert cache and answer for one token; `what` says which."""
    mixed, longer_keys, longer_values = student.attend(*token, keys=keys, values=values)
    for name, old, new, got in (
        ("keys", keys, token[1], longer_keys),
        ("values", values, token[2], longer_values),
    ):
        want = np.concatenate([old, new[:, None]], axis=1)
        shape = np.shape(got)
        assert shape == want.shape, (
            f"{what}: the {name} of the cache have the shape {want.shape} afterwards, the new one "
            f"behind the others; yours {shape}"
        )
        assert_equal(got, want, what=f"{what}: the {name} of the cache", relative=RELATIVE)
    want = by_definition(token, keys=keys, values=values)
    assert_equal(mixed, want, what=f"{what}: what the heads take", relative=RELATIVE)


@check(
    "7.1",
    sentence="The new key and value stand behind those in the cache, and the new token looks at "
    "itself too.",
)
def cache_grows(student: Student, rng: np.random.Generator) -> None:
    """Add a token to a cache of two, and look at nothing but the cache."""
    token, keys, values = draw(rng, 2, tokens=2, width=3)
    _, longer, also = student.attend(*token, keys=keys, values=values)
    rows = [
        {"cache": name, "before": old.shape, "expected": (2, 3, 3), "yours": np.shape(got)}
        for name, old, got in (("keys", keys, longer), ("values", values, also))
    ]
    evidence.table(rows)
    for row in rows:
        assert row["yours"] == row["expected"], (
            f"the {row['cache']} have the shape (2, 3, 3) afterwards, the new one behind the "
            f"others; yours {row['yours']}"
        )
    assert_equal(longer[:, 2], token[1], what="the last key of the cache")
    assert_equal(also[:, 2], token[2], what="the last value of the cache")


@check(
    "7.1",
    sentence="A score is query times key over the square root of the head's width; each head has"
    " a softmax of its own.",
)
def one_head_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take the example of the text: scores 1 and 0, so weights e / (e + 1) and 1 / (e + 1)."""
    query, key = np.array([[1.0, 0, 0, 0]]), np.zeros((1, 4))
    keys, values = np.array([[[2.0, 0, 0, 0]]]), np.array([[[1.0, 0, 0, 0]]])
    mixed, _, _ = student.attend(query, key, np.array([[0, 1.0, 0, 0]]), keys=keys, values=values)
    want = [math.e / (math.e + 1), 1 / (math.e + 1), 0, 0]
    evidence.table([{"what the head takes": want, "yours": np.asarray(mixed).ravel()}])
    what = "two tokens with scores 1 and 0, width 4"
    assert_equal(np.ravel(mixed), want, what=what, relative=RELATIVE)


@check("7.1", sentence="What a head takes is the mean of its values by these weights.")
def three_heads(student: Student, rng: np.random.Generator) -> None:
    """Draw three heads of width 5 with four tokens in the cache."""
    token, keys, values = draw(rng, 3, tokens=4, width=5)
    judge(student, token, keys=keys, values=values, what="three heads, four tokens before")


@check(
    "7.1",
    sentence="The new key and value stand behind those in the cache, and the new token looks at "
    "itself too.",
)
def first_token(student: Student, rng: np.random.Generator) -> None:
    """Give an empty cache: the token takes its own value."""
    token, keys, values = draw(rng, 2, tokens=0, width=3)
    judge(student, token, keys=keys, values=values, what="the first token, an empty cache")


@check(
    "7.1",
    sentence="Scores of any size give finite weights: subtract a head's largest score before "
    "`exp`.",
)
def large_scores(student: Student, rng: np.random.Generator) -> None:
    """Scale queries until a plain `exp` overflows."""
    (query, key, value), keys, values = draw(rng, 2, tokens=3, width=4)
    token = (4000 * query, key, value)
    judge(student, token, keys=keys, values=values, what="scores in the thousands")
