"""The nodes of a tree as an array: in which order they lie there, and what a walk loads of it.

Only nodes that compare are in the array. A child of 0 or more is the place of another such node,
a negative one is ``~number`` of a leaf, leaves being counted in the order of their nodes. Nothing
is compiled here, and a line is counted as loaded whether or not it was in a cache before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.seminar.inference_performance.trees import Ints, Tree


@dataclass(frozen=True, eq=False)
class NodeArray:
    """The comparing nodes of a tree by place.

    Parameters
    ----------
    feature, left, right
        int64, (places,): what is looked at, and the children as the module's docstring says.
    threshold
        (places,), of the dtype that the tree has.
    root
        0, or -1 for a tree that is a single leaf.
    """

    feature: Ints
    threshold: npt.NDArray[Any]
    left: Ints
    right: Ints
    root: int

    def walk(self, rows: npt.NDArray[Any], *, nodes_per_line: int = 1) -> tuple[Ints, Ints]:
        """Return the number of each row's leaf, and how many lines its walk loads.

        Parameters
        ----------
        rows
            (rows, features), of numbers that compare with the thresholds.
        nodes_per_line
            Places that lie in one line; the first place begins one.
        """
        places = np.full(len(rows), self.root, dtype=np.int64)
        is_loaded = np.zeros((len(rows), -(-len(self.feature) // nodes_per_line)), dtype=bool)
        walking = np.flatnonzero(places >= 0)
        while walking.size:
            at = places[walking]
            is_loaded[walking, at // nodes_per_line] = True
            is_left = rows[walking, self.feature[at]] <= self.threshold[at]
            places[walking] = np.where(is_left, self.left[at], self.right[at])
            walking = walking[places[walking] >= 0]
        return ~places, is_loaded.sum(axis=1, dtype=np.int64)


def depth_first(tree: Tree) -> list[int]:
    """Return the comparing nodes, each before those on its left, and these before its right.

    Examples
    --------
    >>> depth_first(_EXAMPLE), breadth_first(_EXAMPLE)
    ([0, 1, 3, 2], [0, 1, 2, 3])
    """
    order: list[int] = []
    waiting = [0]
    while waiting:
        node = waiting.pop()
        if tree["feature"][node] >= 0:
            order.append(node)
            waiting += [int(tree["right"][node]), int(tree["left"][node])]
    return order


def breadth_first(tree: Tree) -> list[int]:
    """Return the comparing nodes level by level, each level from left to right."""
    order = [0]
    for node in order:  # grows while it is walked
        if tree["feature"][node] >= 0:
            order += [int(tree["left"][node]), int(tree["right"][node])]
    return [node for node in order if tree["feature"][node] >= 0]


def laid_out(tree: Tree, order: Sequence[int]) -> NodeArray:
    """Return the comparing nodes of a tree in an order.

    Parameters
    ----------
    tree
        Any.
    order
        Every comparing node once, the root first.

    Raises
    ------
    ValueError
        If it is no such order.

    Examples
    --------
    >>> laid_out(_EXAMPLE, [0, 2, 1, 3]).left.tolist()
    [2, -4, 3, -1]
    """
    feature = np.asarray(tree["feature"])
    chosen = np.asarray(order, dtype=np.int64).reshape(-1)
    if not np.array_equal(np.sort(chosen), np.flatnonzero(feature >= 0)):
        raise ValueError(
            f"an order of {len(chosen)} nodes for a tree in which {(feature >= 0).sum()} compare; "
            "list each of these once"
        )
    if chosen.size and chosen[0] != 0:
        raise ValueError(f"the order begins with node {chosen[0]}; begin with the root, node 0")
    number = np.where(feature < 0, ~(np.cumsum(feature < 0) - 1), 0)
    number[chosen] = np.arange(len(chosen))
    return NodeArray(
        feature=feature[chosen].astype(np.int64),
        threshold=np.asarray(tree["threshold"])[chosen],
        left=number[np.asarray(tree["left"])[chosen]],
        right=number[np.asarray(tree["right"])[chosen]],
        root=0 if chosen.size else -1,
    )


def lines_touched(
    tree: Tree, order: Sequence[int], *, rows: npt.NDArray[Any], nodes_per_line: int
) -> Ints:
    """Return for each row how many cache lines of the array its walk loads, exactly.

    Parameters
    ----------
    tree
        Any; a tree that is a single leaf loads none.
    order
        As for `laid_out`.
    rows
        (rows, features), of numbers that compare with the tree's thresholds.
    nodes_per_line
        Nodes in one line, >= 1: 4 of 16 bytes in 64. The array begins with a line.

    Raises
    ------
    ValueError
        If the order is none, or no node is in a line.

    Examples
    --------
    >>> rows = np.array([[0.0, 0.0], [9.0, 9.0]])
    >>> lines_touched(_EXAMPLE, [0, 1, 2, 3], rows=rows, nodes_per_line=2)
    array([2, 2])
    >>> lines_touched(_EXAMPLE, [0, 2, 1, 3], rows=rows, nodes_per_line=2)
    array([2, 1])
    """
    if nodes_per_line < 1:
        raise ValueError(f"nodes_per_line is {nodes_per_line}; a line holds at least one node")
    return laid_out(tree, order).walk(rows, nodes_per_line=nodes_per_line)[1]


def comparing_first(tree: Tree) -> Tree:
    """Return the same tree with other numbers: first the nodes that compare, then the leaves.

    The root stays 0, and leaves keep their order, so a leaf's number less the count of comparing
    nodes is its number in a `NodeArray`.

    Examples
    --------
    >>> comparing_first(_EXAMPLE)["feature"].tolist()
    [0, 1, 1, 0, -1, -1, -1, -1, -1]
    """
    is_leaf = np.asarray(tree["feature"]) < 0
    old = np.concatenate([depth_first(tree), np.flatnonzero(is_leaf)]).astype(np.int64)
    new = np.empty(len(old), dtype=np.int64)
    new[old] = np.arange(len(old))
    return {
        "feature": tree["feature"][old],
        "threshold": tree["threshold"][old],
        "left": np.where(is_leaf[old], -1, new[tree["left"][old]]),
        "right": np.where(is_leaf[old], -1, new[tree["right"][old]]),
        "values": tree["values"][old],
        "samples": tree["samples"][old],
    }


_EXAMPLE: Tree = {  # of the doctests: four nodes compare
    "feature": np.array([0, 1, 0, 1, -1, -1, -1, -1, -1]),
    "threshold": np.array([5.0, 5.0, 8.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    "left": np.array([1, 3, 7, 4, -1, -1, -1, -1, -1]),
    "right": np.array([2, 6, 8, 5, -1, -1, -1, -1, -1]),
    "values": np.eye(9),
    "samples": np.array([10, 6, 4, 5, 2, 3, 1, 2, 2]),
}
