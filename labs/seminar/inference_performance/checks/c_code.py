"""The open checks of exercise 6.2: a tree as C text, run on an emulated core."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student, apart

BENCH = "labs.seminar.inference_performance.tree_bench"
NAMES = ("feature", "threshold", "left", "right")
Drawn = dict[str, np.ndarray]
Grown = list[list[int]]


def drawn_tree(
    rng: np.random.Generator, *, comparing: int, features: int = 4, spread: int = 20, most: int = 60
) -> Drawn:
    """Return a tree that was grown at random leaves, its nodes numbered at random.

    Parameters
    ----------
    rng
        Gives shape, numbers, thresholds and samples.
    comparing, features
        Nodes that compare; features that they may look at.
    spread
        Thresholds are whole numbers from minus this to this.
    most
        Training rows in a leaf, at most.
    """
    grown: Grown = [[-1, 0, -1, -1]]  # feature, threshold, left, right
    leaves = [0]
    for _ in range(comparing):
        node = leaves.pop(int(rng.integers(len(leaves))))
        feature, threshold = int(rng.integers(features)), int(rng.integers(-spread, spread + 1))
        grown[node] = [feature, threshold, len(grown), len(grown) + 1]
        leaves += [len(grown), len(grown) + 1]
        grown += [[-1, 0, -1, -1], [-1, 0, -1, -1]]
    return numbered(grown, rng=rng, most=most)


def chain(rng: np.random.Generator, *, comparing: int) -> Drawn:
    """Return a tree in which every comparison has a leaf on one side."""
    grown: Grown = []
    for level in range(comparing):
        leaf, inner = 2 * level + 1, 2 * level + 2
        sides = [leaf, inner] if rng.random() < 0.5 else [inner, leaf]
        grown += [[int(rng.integers(4)), int(rng.integers(-20, 21)), *sides], [-1, 0, -1, -1]]
    return numbered([*grown, [-1, 0, -1, -1]], rng=rng, most=60)


def numbered(grown: Grown, *, rng: np.random.Generator, most: int) -> Drawn:
    """Return a tree with numbers in another order, the root aside, and with samples."""
    samples = np.array([int(rng.integers(1, most + 1)) if n[0] < 0 else 0 for n in grown])
    for node in range(len(grown) - 1, -1, -1):  # children come after their parents
        if grown[node][0] >= 0:
            samples[node] = samples[grown[node][2]] + samples[grown[node][3]]
    new = np.concatenate([[0], 1 + rng.permutation(len(grown) - 1)]).astype(np.int64)
    table = np.empty((len(grown), 4), dtype=np.int64)
    table[new] = grown
    tree = dict(zip(NAMES, table.T.copy(), strict=True)) | {"samples": np.empty_like(samples)}
    tree["samples"][new] = samples
    for side in ("left", "right"):
        tree[side] = np.where(tree["feature"] >= 0, new[tree[side]], -1)
    return tree


def walk(tree: Mapping[str, Any], row: Sequence[int], *, strict: bool = False) -> list[int]:
    """Return the nodes that a row comes by, the leaf last."""
    path = [0]
    while tree["feature"][path[-1]] >= 0:
        node = path[-1]
        value, threshold = int(row[tree["feature"][node]]), int(tree["threshold"][node])
        is_left = value < threshold if strict else value <= threshold
        path.append(int(tree["left" if is_left else "right"][node]))
    return path


def rows_around(tree: Drawn, rng: np.random.Generator, *, count: int, features: int) -> np.ndarray:
    """Return rows of whole numbers, many of which equal a threshold of their feature."""
    rows = rng.integers(-22, 23, (count, features))
    for row in rows:
        for node in rng.permutation(np.flatnonzero(tree["feature"] >= 0)):
            if rng.random() < 0.5:
                row[tree["feature"][node]] = tree["threshold"][node] + int(rng.integers(0, 2))
    return rows.astype(np.int32)


def text_of(student: Student, tree: Drawn) -> str:
    """Ask for the C text of a tree."""
    got = student.if_else({name: tree[name] for name in NAMES})
    assert isinstance(got, str), f"return the C text as one str, you have {evidence.brief(got)}"
    return got


def tried(student: Student, tree: Drawn, *, rows: np.ndarray) -> dict[str, Any]:
    """Ask for the text of a tree, let it run on rows, and check that it does."""
    found = dict(apart(student, f"{BENCH}:run_tree", source=text_of(student, tree), rows=rows))
    assert "error" not in found, found["error"]
    return found


def assert_leaves(found: Mapping[str, Any], tree: Drawn, *, rows: np.ndarray) -> None:
    """Compare the leaves of a text with those of a walk; a usual mistake is named."""
    got = [int(leaf) for leaf in found["leaves"]]
    for row, have in zip(rows, got, strict=True):
        path = walk(tree, row)
        assert have == path[-1], (
            f"the row {row.tolist()} walks {' -> '.join(map(str, path))} and ends in leaf "
            f"{path[-1]}; your text returns {have}{_why(tree, rows, got)}"
        )


def _why(tree: Drawn, rows: np.ndarray, got: list[int]) -> str:
    turned = tree | {"left": tree["right"], "right": tree["left"]}
    counted = (np.cumsum(tree["feature"] < 0) - 1).tolist()
    ends = [walk(tree, row)[-1] for row in rows]
    stories = {
        "a value that equals the threshold goes left": [
            walk(tree, r, strict=True)[-1] for r in rows
        ],
        "left and right are swapped": [walk(turned, row)[-1] for row in rows],
        "return the node's number, not how many leaves come before it": [counted[e] for e in ends],
    }
    return next((f"; {told}" for told, answers in stories.items() if answers == got), "")


def assert_nothing_else(found: Mapping[str, Any]) -> None:
    """Check that a program is one function without data that runs nothing twice."""
    others = found["others"]
    if "__aeabi_" in others:
        raise AssertionError(
            f"the program also holds {others}: it calculates with floating-point numbers, or "
            "divides; compare x with thresholds that are written as whole numbers"
        )
    assert not others, f"besides tree_leaf the program holds {others}"
    assert not found["looped"], (
        f"{found['looped']} of {len(found['leaves'])} rows make tree_leaf run a place of its code "
        "more than once: a loop, or a function that calls itself"
    )


def by_hand() -> Drawn:
    """Return a tree of three comparisons whose root looks at feature 0."""
    return {
        "feature": np.array([0, 2, -1, -1, 1, -1, -1]),
        "threshold": np.array([5, -3, 0, 0, 8, 0, 0]),
        "left": np.array([1, 2, -1, -1, 5, -1, -1]),
        "right": np.array([4, 3, -1, -1, 6, -1, -1]),
    }


@check(
    "6.2",
    sentence="The text defines `int tree_leaf(const int32_t *x)`; `<stdint.h>` is included "
    "already.",
    weight=0.5,
)
def compiles(student: Student, rng: np.random.Generator) -> None:
    """Compile a tree of three comparisons and call it."""
    tried(student, by_hand(), rows=np.zeros((1, 3), dtype=np.int32))


@check(
    "6.2",
    sentence="From a node to `left` leads `x[feature] <= threshold`, everything else to `right`.",
)
def three_comparisons(student: Student, rng: np.random.Generator) -> None:
    """Walk six rows through three comparisons; three of them meet a threshold exactly."""
    tree = by_hand()
    rows = np.array(
        [[5, 0, -3], [5, 0, -2], [6, 8, 0], [6, 9, 0], [-9, 0, -9], [-9, 99, 99]], dtype=np.int32
    )
    found = tried(student, tree, rows=rows)
    evidence.table(
        [
            {
                "row": str(row.tolist()),
                "walk": " -> ".join(map(str, walk(tree, row))),
                "yours": leaf,
            }
            for row, leaf in zip(rows, found["leaves"].tolist(), strict=True)
        ]
    )
    assert_leaves(found, tree, rows=rows)


@check(
    "6.2",
    sentence="The tree becomes comparisons and nothing else: no data, no loop, no other function.",
)
def comparisons_alone(student: Student, rng: np.random.Generator) -> None:
    """Look for data, other functions, and code that runs twice."""
    tree = drawn_tree(rng, comparing=9)
    rows = rows_around(tree, rng, count=12, features=4)
    found = tried(student, tree, rows=rows)
    assert_nothing_else(found)
    assert_leaves(found, tree, rows=rows)


@check("6.2", sentence="Equal trees give equal texts.", weight=0.25)
def same_text(student: Student, rng: np.random.Generator) -> None:
    """Ask twice for one text."""
    first, second = (text_of(student, by_hand()) for _ in range(2))
    assert first == second, "two calls with equal trees give two different texts"
    tried(student, by_hand(), rows=np.zeros((1, 3), dtype=np.int32))
