"""The open checks of exercises 5.1 and 5.2: hashes and the tree over them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student, callback
from labs.seminar.model_management import pictures
from labs.seminar.model_management.checks.common import sha256


@check("5.1", sentence="A tensor's hash is the SHA-256 of a line and the bytes of its elements.")
def two_bytes(student: Student, rng: np.random.Generator) -> None:
    """Take the numbers of the hand example, as two types and two shapes."""
    rows = []
    for array, line in (
        (np.array([1, 2], np.uint8), b"uint8 2\n"),
        (np.array([513], np.uint16), b"uint16 1\n"),
        (np.array([[1], [2]], np.uint8), b"uint8 2x1\n"),
        (np.array(1.5, np.float32), b"float32 \n"),
    ):
        want = sha256(line + array.tobytes())
        got = student.tensor_hash(array)
        rows.append({"line": line.decode().strip("\n"), "expected": want[:12], "yours": got})
        rows[-1]["right"] = got == want
    evidence.table([row | {"yours": str(row["yours"])[:12]} for row in rows])
    for row in rows:
        assert row["right"], (
            f"the tensor of the line {row['line']!r} should hash to {row['expected']}..., yours to "
            f"{str(row['yours'])[:12]}...: hash the line, a newline, then the bytes"
        )


@check(
    "5.1",
    sentence="A layer's hash is that of the lines `name hash`, sorted by name, each with a "
    "newline.",
)
def layer_of_two(student: Student, rng: np.random.Generator) -> None:
    """Take a layer of two tensors, in both orders."""
    weight, bias = np.ones((2, 2), np.float32), np.zeros(2, np.float32)
    lines = [("fc.bias", b"float32 2\n", bias), ("fc.weight", b"float32 2x2\n", weight)]
    text = "".join(f"{name} {sha256(line + a.tobytes())}\n" for name, line, a in lines)
    for tensors in ({"fc.weight": weight, "fc.bias": bias}, {"fc.bias": bias, "fc.weight": weight}):
        got = student.layer_hash(tensors)
        order = ", ".join(tensors)
        assert got == sha256(text), (
            f"the layer with {order} should hash to {sha256(text)[:12]}..., yours to "
            f"{str(got)[:12]}...: names and hashes, sorted by name"
        )


def tree_of(leaves: Sequence[str]) -> list[list[str]]:
    """Return the levels of a Merkle tree, worked out from the places of its nodes.

    Parameters
    ----------
    leaves
        Hashes.
    """
    depth = max(0, len(leaves) - 1).bit_length()

    def node(level: int, index: int) -> str:
        first, size = index << level, 1 << level
        if level == 0:
            return leaves[first]
        left = node(level - 1, 2 * index)
        has_right = first + size // 2 < len(leaves)
        return sha256(left + node(level - 1, 2 * index + 1)) if has_right else left

    return [
        [node(level, i) for i in range(-(-len(leaves) // 2**level))] for level in range(depth + 1)
    ]


@check(
    "5.2",
    sentence="A parent is the SHA-256, in hexadecimal, of its two children's texts, the left one "
    "first.",
)
def tree_of_five(student: Student, rng: np.random.Generator) -> None:
    """Take the five leaves of the hand example."""
    leaves = [sha256(letter) for letter in "abcde"]
    got, want = student.merkle_levels(leaves), tree_of(leaves)
    assert_equal([len(level) for level in got], [5, 3, 2, 1], what="nodes a level, leaves first")
    assert got[1][2] == leaves[4], "e has no partner: it goes up unchanged"
    for level, (mine, right) in enumerate(zip(got, want, strict=True)):
        assert list(mine) == right, (
            f"level {level} of five leaves: a parent is the SHA-256 of left + right as text; "
            f"expected {right[0][:8]}..., you have {str(mine[0])[:8]}..."
        )


def watch_questions(
    student: Student, *, old: Sequence[str], new: Sequence[str]
) -> tuple[Any, list[tuple[int, int]]]:
    """Return what `changed_leaves` says, and the nodes that it asked for.

    Parameters
    ----------
    student
        Whose function.
    old, new
        Leaves of the other tree, and of the one here.
    """
    theirs = tree_of(old)

    def answer(level: Any, index: Any) -> Any:
        is_node = isinstance(level, int) and isinstance(index, int)
        is_node = is_node and 0 <= level < len(theirs) and 0 <= index < len(theirs[level])
        assert is_node, f"asks for node {index} of level {level}, which is not in the tree"
        return theirs[level][index]

    ask = callback(answer)
    found = student.changed_leaves(tree_of(new), ask)
    return found, [(level, index) for level, index in ask.calls]


def assert_few(asked: Sequence[tuple[int, int]], *, old: Sequence[str], new: Sequence[str]) -> None:
    """Assert that only the root and children of differing nodes were asked for, each once.

    Parameters
    ----------
    asked
        Pairs of level and index, as they were asked for.
    old, new
        Leaves of the other tree, and of the one here.
    """
    theirs, ours = tree_of(old), tree_of(new)
    top = len(ours) - 1
    assert len(set(asked)) == len(asked), f"asks for {len(asked)} hashes, some of them twice"
    for level, index in asked:
        above = (level + 1, index // 2)
        is_due = level == top or theirs[above[0]][above[1]] != ours[above[0]][above[1]]
        assert is_due, (
            f"asks for node {index} of level {level} although its parent is the same in both trees"
        )


@check(
    "5.2",
    sentence="It asks for the root, then only for children of nodes that differ, and for no node "
    "twice.",
)
def one_of_eleven(student: Student, rng: np.random.Generator) -> None:
    """Change one of eleven leaves and draw which hashes were asked for."""
    old = [sha256(f"leaf {i}") for i in range(11)]
    new = [sha256("changed") if i == 6 else leaf for i, leaf in enumerate(old)]
    found, asked = watch_questions(student, old=old, new=new)
    figure, axes = plots.new_figure(wide=True)
    pictures.tree(axes, tree_of(old), new=tree_of(new), asked=asked)
    evidence.picture(figure, alt=f"A tree of 11 hashes; {len(asked)} of its nodes were asked for.")
    assert_equal(list(found), [6], what="the leaves that differ, if leaf 6 of 11 changed")
    assert_few(asked, old=old, new=new)
