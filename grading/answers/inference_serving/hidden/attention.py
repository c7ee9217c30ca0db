"""The hidden checks of exercise 7.1: the same sentences, other shapes and whole sequences."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.inference_serving.checks.attention import draw, judge


@check("7.1", sentence="What a head takes is the mean of its values by these weights.", weight=2)
def other_shapes(student: Student, rng: np.random.Generator) -> None:
    for heads, tokens, width in ((1, 1, 7), (5, 2, 3), (3, 20, 6), (4, 4, 4), (2, 9, 1)):
        token, keys, values = draw(rng, heads, tokens=tokens, width=width)
        what = f"{heads} heads of width {width}, {tokens} tokens before"
        judge(student, token, keys=keys, values=values, what=what)


@check(
    "7.1",
    sentence="The new key and value stand behind those in the cache, and the new token looks at "
    "itself too.",
)
def a_whole_sequence(student: Student, rng: np.random.Generator) -> None:
    keys, values = np.zeros((2, 3, 0, 5))
    for place in range(6):
        token, _, _ = draw(rng, 3, tokens=0, width=5)
        judge(student, token, keys=keys, values=values, what=f"token {place} of a sequence")
        _, keys, values = student.attend(*token, keys=keys, values=values)


@check(
    "7.1",
    sentence="A score is query times key over the square root of the head's width; each head has"
    " a softmax of its own.",
)
def heads_of_different_sizes(student: Student, rng: np.random.Generator) -> None:
    (query, key, value), keys, values = draw(rng, 4, tokens=7, width=5)
    query *= np.array([[0.01], [1.0], [5.0], [20.0]])
    judge(student, (query, key, value), keys=keys, values=values, what="heads of other sizes")


@check(
    "7.1",
    sentence="Scores of any size give finite weights: subtract a head's largest score before "
    "`exp`.",
)
def large_scores_of_both_signs(student: Student, rng: np.random.Generator) -> None:
    for sign in (-1, 1):
        (query, key, value), keys, values = draw(rng, 2, tokens=5, width=4)
        token = (sign * 1e4 * np.abs(query), key, value)
        judge(student, token, keys=np.abs(keys), values=values, what="scores of thousands")
