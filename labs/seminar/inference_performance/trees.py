"""Decision trees as plain arrays, read out of scikit-learn's, and what they predict.

A tree is a dict of arrays, one entry a node, node 0 the root:

- ``feature``    int64: number of the feature that the node looks at, -1 at a leaf
- ``threshold``  float64: go left if ``row[feature] <= threshold``; 0 at a leaf
- ``left``, ``right``  int64: the nodes that follow, -1 at a leaf
- ``values``     float64, (nodes, classes): what a leaf adds to the scores; shares of each class
- ``samples``    int64: how many training rows came by

A forest is a list of trees; its scores are the mean of theirs, summed up in the order of the trees,
as scikit-learn does. Nothing is compiled or timed here.
"""

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Tree(TypedDict):
    """One tree; the docstring of the module says what is in it."""

    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    values: Floats
    samples: Ints


def from_sklearn(forest: Any) -> list[Tree]:
    """Return the trees of a fitted `RandomForestClassifier` or `DecisionTreeClassifier`.

    Parameters
    ----------
    forest
        Fitted, with one output.

    Raises
    ------
    ValueError
        If it is not fitted, has several outputs, or is no classifier of trees.
    """
    fitted = getattr(forest, "estimators_", None) or [forest]
    if not all(hasattr(one, "tree_") and hasattr(one, "classes_") for one in fitted):
        raise ValueError(f"{type(forest).__name__} is no fitted classifier of trees; fit one first")
    if any(one.tree_.n_outputs != 1 for one in fitted):
        raise ValueError("the forest predicts several outputs at once; take one at a time")
    return [_plain(one.tree_) for one in fitted]


def _plain(tree: Any) -> Tree:
    is_leaf = tree.children_left < 0
    return {
        "feature": np.where(is_leaf, -1, tree.feature).astype(np.int64),
        "threshold": np.where(is_leaf, 0.0, tree.threshold).astype(np.float64),
        "left": np.asarray(tree.children_left, dtype=np.int64),
        "right": np.asarray(tree.children_right, dtype=np.int64),
        "values": np.asarray(tree.value[:, 0, :], dtype=np.float64),
        "samples": np.asarray(tree.n_node_samples, dtype=np.int64),
    }


def leaf_of(tree: Tree, row: npt.NDArray[Any]) -> int:
    """Return the leaf that a row ends in: the plainest walk, for comparison.

    Parameters
    ----------
    tree
        Any.
    row
        (features,); float32 numbers are compared with float64 thresholds, as scikit-learn does.
    """
    node = 0
    while tree["feature"][node] >= 0:
        is_left = row[tree["feature"][node]] <= tree["threshold"][node]
        node = int(tree["left" if is_left else "right"][node])
    return node


def leaves_of(tree: Tree, rows: npt.NDArray[Any]) -> Ints:
    """Return the leaf of each row of an array (rows, features), all walking at once."""
    nodes = np.zeros(len(rows), dtype=np.int64)
    walking = np.flatnonzero(tree["feature"][nodes] >= 0)
    while walking.size:
        at = nodes[walking]
        is_left = rows[walking, tree["feature"][at]] <= tree["threshold"][at]
        nodes[walking] = np.where(is_left, tree["left"][at], tree["right"][at])
        walking = walking[tree["feature"][nodes[walking]] >= 0]
    return nodes


def scores(forest: Sequence[Tree], rows: npt.NDArray[Any]) -> Floats:
    """Return the scores (rows, classes) of a forest, bit for bit those of scikit-learn.

    Parameters
    ----------
    forest
        One tree or more.
    rows
        (rows, features).
    """
    total = np.zeros((len(rows), forest[0]["values"].shape[1]))
    for tree in forest:
        total += tree["values"][leaves_of(tree, rows)]
    return total / len(forest)


def inner_nodes(forest: Sequence[Tree]) -> int:
    """Return how many comparisons a forest holds, over all trees."""
    return sum(int((tree["feature"] >= 0).sum()) for tree in forest)


def depth(tree: Tree) -> int:
    """Return the most comparisons on the way to any leaf."""
    levels = np.zeros(len(tree["feature"]), dtype=np.int64)
    order = [0]
    for node in order:  # grows while it is walked: parents come before their children
        if tree["feature"][node] >= 0:
            for child in (int(tree["left"][node]), int(tree["right"][node])):
                levels[child] = levels[node] + 1
                order.append(child)
    return int(levels.max())
