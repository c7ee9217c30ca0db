"""The stand-ins of exercises 6.1 to 6.3 against the oracles of the checks."""

import numpy as np
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from labs.seminar.inference_performance import given
from labs.seminar.inference_performance.checks.c_code import chain, drawn_tree, rows_around, walk
from labs.seminar.inference_performance.checks.frames import by_hand, wanted_order
from labs.seminar.inference_performance.checks.thresholds import (
    number_of,
    wanted_code,
    wanted_threshold,
)
from labs.seminar.inference_performance.keys import float32_thresholds, ordered_codes
from labs.seminar.inference_performance.tree_bench import run_tree

LARGEST = float(np.finfo(np.float32).max)


@examples(threshold=st.floats(-LARGEST, LARGEST))
def test_thresholds_of_three_ways_agree(threshold):
    got = given.float32_threshold(threshold)
    assert float(got) == wanted_threshold(threshold)
    assert got == float32_thresholds(np.array([threshold]))[0]
    assert isinstance(got, np.float32)


@examples(number=st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_codes_of_three_ways_agree(number):
    got = given.ordered_code(number)
    assert got == wanted_code(number) == ordered_codes(np.array([number]))[0]
    assert number_of(got) == number


@examples(
    comparing=st.integers(0, 40),
    frame_nodes=st.integers(1, 9),
    most=st.sampled_from([1, 3, 60]),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=80)
def test_framed_orders(comparing, frame_nodes, most, seed):
    tree = drawn_tree(np.random.default_rng(seed), comparing=comparing, most=most)
    assert given.framed_order(tree, frame_nodes) == wanted_order(tree, frame_nodes)


def test_the_order_of_the_example():
    assert given.framed_order(by_hand(), 2) == [0, 1, 2, 4, 3]


def test_texts_of_trees():
    rng = np.random.default_rng(0)
    for tree in (drawn_tree(rng, comparing=25), drawn_tree(rng, comparing=0)):
        rows = rows_around(tree, rng, count=15, features=4)
        found = run_tree(given.if_else(tree), rows)
        assert found["leaves"].tolist() == [walk(tree, row)[-1] for row in rows]
        assert (found["others"], found["looped"]) == ("", 0)


def test_drawn_trees_are_trees():
    rng = np.random.default_rng(5)
    for tree in (drawn_tree(rng, comparing=30), chain(rng, comparing=12)):
        comparing = np.flatnonzero(tree["feature"] >= 0)
        children = np.concatenate([tree["left"][comparing], tree["right"][comparing]])
        assert sorted(children) == list(range(1, len(tree["feature"])))
        below = tree["samples"][tree["left"]] + tree["samples"][tree["right"]]
        assert np.array_equal(below[comparing], tree["samples"][comparing])
        assert not np.array_equal(comparing, np.arange(len(comparing)))
