"""The open checks of exercise 6.6: leaves within reach of codes that cannot always tell."""

from typing import Any

import numpy as np
import numpy.typing as npt

from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student

Arrays = dict[str, npt.NDArray[Any]]
# Low and high are numbers of the tree, which nothing rounds; as float32 they are off by 6e-8.
ROUNDING = 1e-6
FEATURES = 5
SIDES = ("left", "right")


def leaves_within_reach(tree: Arrays, codes: npt.NDArray[np.int64]) -> list[int]:
    """Return the leaves from which every step up to the root is allowed."""
    parents = {int(tree[side][n]): (n, side) for n in range(len(tree["feature"])) for side in SIDES}
    found = []
    for leaf in np.flatnonzero(tree["feature"] < 0).tolist():
        node = leaf
        while node in parents:
            node, side = parents[node]
            code, split = int(codes[tree["feature"][node]]), int(tree["split"][node])
            if code != split and (code < split) != (side == "left"):
                break
        else:
            found += [leaf]
    return found


def wanted_bounds(tree: Arrays, codes: npt.NDArray[np.int64]) -> list[list[float]]:
    """Return low and high, class by class."""
    leaves = leaves_within_reach(tree, codes)
    columns = [[float(tree["values"][leaf, k]) for leaf in leaves] for k in classes_of(tree)]
    return [[min(column) for column in columns], [max(column) for column in columns]]


def classes_of(tree: Arrays) -> range:
    """Return the numbers of the classes."""
    return range(tree["values"].shape[1])


def judge_bounds(got: Any, *, tree: Arrays, codes: npt.NDArray[np.int64], what: str) -> None:
    """Assert both arrays, naming the first that is off."""
    assert isinstance(got, list | tuple | np.ndarray), f"return two arrays, not {got!r:.40}"
    assert len(got) == 2, f"return two arrays, low and high; yours {len(got)}"
    for name, have, want in zip(("low", "high"), got, wanted_bounds(tree, codes), strict=True):
        form = f"{what}: {name} has one number a class, {len(want)} here"
        assert isinstance(have, list | tuple | np.ndarray), f"{form}; yours is {have!r:.40}"
        assert len(have) == len(want), f"{form}; yours has {len(have)}"
        assert_equal(have, want, what=f"{what}: {name}", relative=ROUNDING)


def tree_of(
    rng: np.random.Generator, *, inner: int, classes: int = 3, most: int = 3, least: int = 0
) -> Arrays:
    """Return a tree that grew at random, its nodes but the root in random order.

    Codes and splits go from `least` to `most`. Values are hundredths, from 0 to 1 at leaves; nodes
    that compare have larger and smaller ones, which must not count.
    """
    nodes = 2 * inner + 1
    names = [0, *(1 + rng.permutation(nodes - 1)).tolist()]
    feature, left, right = (np.full(nodes, -1) for _ in range(3))
    split = np.zeros(nodes, dtype=np.int64)
    leaves = [names.pop(0)]
    for _ in range(inner):
        node = leaves.pop(int(rng.integers(len(leaves))))
        feature[node], split[node] = rng.integers(FEATURES), rng.integers(least, most + 1)
        left[node], right[node] = names.pop(0), names.pop(0)
        leaves += [int(left[node]), int(right[node])]
    values = rng.integers(0, 101, (nodes, classes)) / 100
    values = np.where((feature < 0)[:, None], values, rng.choice([-3.0, 4.0], (nodes, classes)))
    return {"feature": feature, "split": split, "left": left, "right": right, "values": values}


def codes_for(rng: np.random.Generator, *, most: int = 3, least: int = 0) -> npt.NDArray[np.int64]:
    """Return a row of codes."""
    return np.asarray(rng.integers(least, most + 1, FEATURES))


def small_tree() -> Arrays:
    """Return a tree of two comparisons: feature 0 against 1, and on its right 1 against 2."""
    return {
        "feature": np.array([0, -1, 1, -1, -1]),
        "split": np.array([1, 0, 2, 0, 0]),
        "left": np.array([1, -1, 3, -1, -1]),
        "right": np.array([2, -1, 4, -1, -1]),
        "values": np.array([[0.5, 0.5], [0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]),
    }


@check("6.6", sentence="A code that equals the split may lead to either.")
def two_comparisons(student: Student, rng: np.random.Generator) -> None:
    """Send four rows through a tree of three leaves: 1, 3 and 4."""
    tree, rows = small_tree(), [np.array(codes) for codes in ([0, 3], [2, 2], [1, 3], [1, 2])]
    answers = [student.score_bounds(tree, codes) for codes in rows]
    evidence.table(
        [
            {
                "codes": codes.tolist(),
                "leaves within reach": leaves_within_reach(tree, codes),
                "(low, high)": wanted_bounds(tree, codes),
                "yours": got,
            }
            for codes, got in zip(rows, answers, strict=True)
        ]
    )
    for codes, got in zip(rows, answers, strict=True):
        judge_bounds(got, tree=tree, codes=codes, what=f"codes {codes.tolist()}")


@check("6.6", sentence="A code below the split leads to `left`, a code above it to `right`.")
def nothing_is_lost(student: Student, rng: np.random.Generator) -> None:
    """Use odd splits and even codes: one leaf is left, and low and high are its values."""
    tree, codes = tree_of(rng, inner=6), 2 * codes_for(rng)
    tree["split"] = 2 * tree["split"] + 1
    got = student.score_bounds(tree, codes)
    judge_bounds(got, tree=tree, codes=codes, what="no code equals its split")


@check(
    "6.6",
    sentence="Low and high are the smallest and largest `values` of each class among the leaves "
    "within reach.",
)
def everything_is_lost(student: Student, rng: np.random.Generator) -> None:
    """Make all codes equal to all splits: every leaf is within reach."""
    tree, codes = tree_of(rng, inner=6, most=0), np.zeros(FEATURES, dtype=np.int64)
    got = student.score_bounds(tree, codes)
    judge_bounds(got, tree=tree, codes=codes, what="every code equals its split")
