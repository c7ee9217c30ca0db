"""The open checks of exercise 6.3: the example of the exercise, and a tree drawn at random."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.inference_performance.checks.c_code import Drawn, drawn_tree

NAMES = ("feature", "left", "right", "samples")
MOST_SHOWN = 9


def wanted_order(tree: Mapping[str, Any], frame_nodes: int) -> list[int]:
    """Return the framed order by sorting all that wait, anew for each place."""
    comparing = {n for n in range(len(tree["feature"])) if tree["feature"][n] >= 0}
    parents = {int(tree[side][n]): n for n in comparing for side in ("left", "right")}
    order: list[int] = []
    while len(order) < len(comparing):
        frame = set(order[len(order) // frame_nodes * frame_nodes :])
        waiting = [n for n in comparing - set(order) if n == 0 or parents[n] in order]
        ranks = [(parents.get(n) not in frame, -int(tree["samples"][n]), n) for n in waiting]
        order.append(min(ranks)[2])
    return order


def ask(student: Student, tree: Drawn, *, frame_nodes: int) -> Any:
    """Ask for the order of a tree."""
    return student.framed_order({name: tree[name] for name in NAMES}, frame_nodes)


def judge_order(got: Any, tree: Drawn, *, frame_nodes: int, what: str) -> None:
    """Assert an order, and name the first place that differs."""
    form = f"{what}: return a list of node numbers, you have {evidence.brief(got)}"
    assert isinstance(got, list | tuple | np.ndarray), form
    nodes, want = list(got), wanted_order(tree, frame_nodes)
    is_whole = (isinstance(n, int | np.integer) and not isinstance(n, bool) for n in nodes)
    assert all(is_whole), form
    leaf = next(
        (n for n in nodes if 0 <= n < len(tree["feature"]) and tree["feature"][n] < 0), None
    )
    assert leaf is None, f"{what}: node {leaf} is listed, which is a leaf"
    assert len(nodes) == len(want), f"{what}: {len(want)} nodes compare; yours lists {len(nodes)}"
    for place, (node, wanted) in enumerate(zip(nodes, want, strict=True)):
        assert node == wanted, (
            f"{what}: place {place % frame_nodes} of frame {place // frame_nodes} (counted from 0) "
            f"holds node {wanted}, yours {node}"
        )


def by_hand() -> Drawn:
    """Return the tree of the exercise's example."""
    return {
        "feature": np.array([3, 1, 2, 3, 1, -1, -1, -1, -1, -1, -1]),
        "left": np.array([1, 2, 5, 7, 9, -1, -1, -1, -1, -1, -1]),
        "right": np.array([4, 3, 6, 8, 10, -1, -1, -1, -1, -1, -1]),
        "samples": np.array([100, 90, 82, 8, 10, 50, 32, 3, 5, 6, 4]),
    }


@check(
    "6.3",
    sentence="Next comes the waiting node with most samples among those whose parent is in the "
    "frame that is being filled; if there is none, among all that wait.",
)
def the_example(student: Student, rng: np.random.Generator) -> None:
    """Fill the frames of the exercise's example: 0 and 1, 2 and 4, 3."""
    tree = by_hand()
    got = ask(student, tree, frame_nodes=2)
    want = wanted_order(tree, 2)
    listed = list(got)[: len(want)] if isinstance(got, list | tuple | np.ndarray) else []
    evidence.table(
        [
            {"frame": place // 2, "node": node, "rows": int(tree["samples"][node]), "yours": yours}
            for place, (node, yours) in enumerate(
                zip(want, listed + ["none"] * (len(want) - len(listed)), strict=True)
            )
        ]
    )
    judge_order(got, tree, frame_nodes=2, what="the example")


@check("6.3", sentence="Only nodes that compare are listed, each once; the root comes first.")
def every_node_once(student: Student, rng: np.random.Generator) -> None:
    """List a small tree in frames of three, and a tree that is a single leaf."""
    tree = drawn_tree(rng, comparing=8)
    judge_order(
        ask(student, tree, frame_nodes=3), tree, frame_nodes=3, what="a tree of 8 comparing nodes"
    )
    leaf = drawn_tree(rng, comparing=0)
    judge_order(
        ask(student, leaf, frame_nodes=3), leaf, frame_nodes=3, what="a tree that is a single leaf"
    )


@check("6.3", sentence="Of equal ones the smaller number comes first.")
def equal_samples(student: Student, rng: np.random.Generator) -> None:
    """Draw a tree in which several nodes have as many samples."""
    tree = drawn_tree(rng, comparing=10, most=1)
    judge_order(ask(student, tree, frame_nodes=4), tree, frame_nodes=4, what="a tree with ties")
