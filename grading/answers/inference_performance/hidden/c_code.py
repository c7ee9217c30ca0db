"""Hidden cases of exercise 6.2."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.inference_performance.checks.c_code import (
    Drawn,
    assert_leaves,
    assert_nothing_else,
    chain,
    drawn_tree,
    rows_around,
    tried,
)

LARGEST = 2**31 - 1


def _judge(student: Student, tree: Drawn, rows: np.ndarray) -> None:
    assert_leaves(tried(student, tree, rows=rows), tree, rows=rows)


@check(
    "6.2",
    sentence="From a node to `left` leads `x[feature] <= threshold`, everything else to `right`.",
    weight=2,
)
def trees_of_many_shapes(student: Student, rng: np.random.Generator) -> None:
    for comparing in (1, 2, 7, 30):
        tree = drawn_tree(rng, comparing=comparing)
        _judge(student, tree, rows_around(tree, rng, count=20, features=4))


@check(
    "6.2",
    sentence="From a node to `left` leads `x[feature] <= threshold`, everything else to `right`.",
)
def thresholds_at_the_ends(student: Student, rng: np.random.Generator) -> None:
    tree = drawn_tree(rng, comparing=6)
    ends = rng.permutation([LARGEST, -LARGEST - 1, LARGEST - 1, -LARGEST, 0, 1_075_838_976])
    tree["threshold"][tree["feature"] >= 0] = ends
    rows = rng.choice([*ends, -1, 1, 1_075_838_977], (30, 4)).astype(np.int32)
    _judge(student, tree, rows)


@check("6.2", sentence="It returns the number of the leaf that the row ends in.")
def wide_rows(student: Student, rng: np.random.Generator) -> None:
    tree = drawn_tree(rng, comparing=25, features=300)
    _judge(student, tree, rows_around(tree, rng, count=15, features=300))


@check("6.2", sentence="It returns the number of the leaf that the row ends in.")
def chains_and_a_single_leaf(student: Student, rng: np.random.Generator) -> None:
    leaf = drawn_tree(rng, comparing=0)
    _judge(student, leaf, rng.integers(-5, 6, (2, 4)).astype(np.int32))
    tree = chain(rng, comparing=40)
    _judge(student, tree, rows_around(tree, rng, count=20, features=4))


@check(
    "6.2",
    sentence="The tree becomes comparisons and nothing else: no data, no loop, no other function.",
    weight=2,
)
def a_larger_tree_alone(student: Student, rng: np.random.Generator) -> None:
    tree = drawn_tree(rng, comparing=120, features=16)
    rows = rows_around(tree, rng, count=20, features=16)
    found = tried(student, tree, rows=rows)
    assert_nothing_else(found)
    assert_leaves(found, tree, rows=rows)
