"""Hidden cases of exercise 6.6."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.inference_performance.checks.forest_bounds import (
    FEATURES,
    Arrays,
    codes_for,
    judge_bounds,
    tree_of,
)


def _judge(student: Student, tree: Arrays, codes: np.ndarray, *, what: str) -> None:
    got = student.score_bounds(tree, codes)
    judge_bounds(got, tree=tree, codes=codes, what=what)


@check(
    "6.6",
    sentence="A leaf is within reach if such steps lead to it from the root, node 0.",
    weight=2,
)
def random_trees(student: Student, rng: np.random.Generator) -> None:
    for inner in (3, 7, 12, 25):
        tree = tree_of(rng, inner=inner, classes=int(rng.integers(2, 7)), most=2)
        for _ in range(3):
            _judge(student, tree, codes_for(rng, most=2), what=f"a tree of {inner} comparisons")


@check("6.6", sentence="A code that equals the split may lead to either.")
def one_feature_twice(student: Student, rng: np.random.Generator) -> None:
    # Right of feature 0 at 1 the same feature is compared with 1 again, then with 2.
    tree = {
        "feature": np.array([0, -1, 0, -1, 0, -1, -1]),
        "split": np.array([1, 0, 1, 0, 2, 0, 0]),
        "left": np.array([1, -1, 3, -1, 5, -1, -1]),
        "right": np.array([2, -1, 4, -1, 6, -1, -1]),
        "values": rng.permutation(28).reshape(7, 4) / 28,
    }
    for code in (0, 1, 2, 3):
        _judge(student, tree, np.array([code]), what=f"feature 0 compared thrice, code {code}")


@check(
    "6.6",
    sentence="A leaf is within reach if such steps lead to it from the root, node 0.",
)
def one_leaf_and_a_chain(student: Student, rng: np.random.Generator) -> None:
    alone = tree_of(rng, inner=0)
    _judge(student, alone, codes_for(rng), what="a tree that is one leaf")
    inner = 100
    places = np.arange(inner)
    leaf, none = np.full(inner + 1, -1), np.zeros(inner + 1, dtype=np.int64)
    chain = {
        "feature": np.concatenate([places % FEATURES, leaf]),
        "split": np.concatenate([np.where(places < 90, 2, 1), none]),
        "left": np.concatenate([inner + places, leaf]),
        "right": np.concatenate([places[1:], [2 * inner], leaf]),
        "values": rng.integers(0, 101, (2 * inner + 1, 2)) / 100,
    }
    for codes in ([2, 2, 2, 2, 2], [3, 2, 3, 3, 3], [3, 3, 3, 3, 3], [3, 3, 1, 3, 3]):
        _judge(student, chain, np.array(codes), what="a chain of a hundred comparisons")


@check("6.6", sentence="A code below the split leads to `left`, a code above it to `right`.")
def below_zero(student: Student, rng: np.random.Generator) -> None:
    for _ in range(3):
        tree = tree_of(rng, inner=9, least=-4, most=-2)
        tree["values"] = tree["values"] - 9.0
        _judge(student, tree, codes_for(rng, least=-4, most=-2), what="numbers below 0")


@check(
    "6.6",
    sentence="Low and high are the smallest and largest `values` of each class among the leaves "
    "within reach.",
)
def nodes_that_compare_do_not_count(student: Student, rng: np.random.Generator) -> None:
    for factor in (1.0, -1.0, 100.0):
        tree = tree_of(rng, inner=8, classes=5, most=1)
        is_leaf = (tree["feature"] < 0)[:, None]
        tree["values"] = np.where(is_leaf, factor * tree["values"], 1000 * tree["values"])
        _judge(student, tree, codes_for(rng, most=1), what="values of nodes that compare")
