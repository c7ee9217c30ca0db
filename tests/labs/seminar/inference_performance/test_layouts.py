"""Orders of nodes, walks through arrays, and lines that are loaded, against plain walks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.seminar.inference_performance import layouts, trees
from labs.seminar.inference_performance.checks.c_code import chain, drawn_tree
from labs.seminar.inference_performance.given import framed_order


def full(tree):
    """A drawn tree with values, as `trees.Tree` has them."""
    nodes = len(tree["feature"])
    return tree | {"values": np.arange(nodes, dtype=float).reshape(nodes, 1)}


@st.composite
def drawn(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    tree = full(drawn_tree(rng, comparing=draw(st.integers(0, 30))))
    return tree, rng.integers(-22, 23, (draw(st.integers(1, 12)), 4)), rng


def orders_of(tree, rng):
    comparing = np.flatnonzero(tree["feature"] > -1)
    shuffled = [0, *(rng.permutation(comparing[comparing > 0]))] if comparing.size else []
    return (
        layouts.depth_first(tree),
        layouts.breadth_first(tree),
        framed_order(tree, 4),
        shuffled,
    )


@given(case=drawn())
@settings(max_examples=60)
def test_every_order_walks_to_the_same_leaves(case):
    tree, rows, rng = case
    leaves = np.flatnonzero(tree["feature"] < 0)
    want = trees.leaves_of(tree, rows)
    for order in orders_of(tree, rng):
        numbers, _ = layouts.laid_out(tree, order).walk(rows)
        assert np.array_equal(leaves[numbers], want)


@given(case=drawn(), nodes_per_line=st.integers(1, 9))
@settings(max_examples=60)
def test_lines_are_those_that_a_plain_walk_loads(case, nodes_per_line):
    tree, rows, rng = case
    for order in orders_of(tree, rng):
        got = layouts.lines_touched(tree, order, rows=rows, nodes_per_line=nodes_per_line)
        place = {int(node): number for number, node in enumerate(order)}
        for row, count in zip(rows, got, strict=True):
            lines, node = set(), 0
            while tree["feature"][node] >= 0:
                lines.add(place[node] // nodes_per_line)
                is_left = row[tree["feature"][node]] <= tree["threshold"][node]
                node = int(tree["left" if is_left else "right"][node])
            assert count == len(lines)


@given(case=drawn())
@settings(max_examples=40)
def test_comparing_first_is_the_same_tree(case):
    tree, rows, _ = case
    other = layouts.comparing_first(tree)
    comparing = int((tree["feature"] >= 0).sum())
    assert (other["feature"][:comparing] >= 0).all()
    assert (other["feature"][comparing:] < 0).all()
    before, after = (each["values"][trees.leaves_of(each, rows)] for each in (tree, other))
    assert np.array_equal(before, after)
    assert np.array_equal(
        trees.leaves_of(other, rows) - comparing,
        layouts.laid_out(tree, layouts.depth_first(tree)).walk(rows)[0],
    )


def test_depth_first_goes_down_the_left_and_breadth_first_by_levels():
    tree = full(chain(np.random.default_rng(0), comparing=9))
    assert layouts.depth_first(tree) == layouts.breadth_first(tree)
    levels = np.zeros(40, dtype=int)
    wide = full(drawn_tree(np.random.default_rng(1), comparing=15))
    for node in layouts.breadth_first(wide):
        levels[wide["left"][node]] = levels[wide["right"][node]] = levels[node] + 1
    assert (np.diff(levels[layouts.breadth_first(wide)]) >= 0).all()
    deep = layouts.depth_first(wide)
    for node in deep:
        left = int(wide["left"][node])
        assert wide["feature"][left] < 0 or deep.index(left) == deep.index(node) + 1


@pytest.mark.parametrize("order", [[], [0, 1], [0, 1, 1], [1, 0, 2]])
def test_orders_that_are_none(order):
    tree = full(chain(np.random.default_rng(0), comparing=3))
    comparing = np.flatnonzero(tree["feature"] >= 0).tolist()
    with pytest.raises(ValueError, match="order"):
        layouts.laid_out(tree, [comparing[place] for place in order])


def test_a_line_without_nodes_is_refused():
    tree = full(chain(np.random.default_rng(0), comparing=3))
    with pytest.raises(ValueError, match="at least one node"):
        layouts.lines_touched(
            tree, layouts.depth_first(tree), rows=np.zeros((1, 4)), nodes_per_line=0
        )
