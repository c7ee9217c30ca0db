"""Hidden cases of exercise 6.3."""

import numpy as np

from labs.engine.checks import check
from labs.engine.student import Student
from labs.seminar.inference_performance.checks.c_code import chain, drawn_tree
from labs.seminar.inference_performance.checks.frames import ask, judge_order


@check(
    "6.3",
    sentence="Next comes the waiting node with most samples among those whose parent is in the "
    "frame that is being filled; if there is none, among all that wait.",
    weight=2,
)
def trees_and_frames_of_many_sizes(student: Student, rng: np.random.Generator) -> None:
    for comparing, frame_nodes in ((1, 4), (5, 2), (12, 3), (40, 4), (40, 8), (150, 4)):
        tree = drawn_tree(rng, comparing=comparing)
        what = f"{comparing} nodes in frames of {frame_nodes}"
        judge_order(
            ask(student, tree, frame_nodes=frame_nodes), tree, frame_nodes=frame_nodes, what=what
        )


@check(
    "6.3",
    sentence="Frames are filled one after the other, each with `frame_nodes` nodes; only the last "
    "may have less.",
)
def frames_of_one_and_of_all(student: Student, rng: np.random.Generator) -> None:
    tree = drawn_tree(rng, comparing=20)
    for frame_nodes in (1, 19, 20, 64):
        what = f"20 nodes in frames of {frame_nodes}"
        judge_order(
            ask(student, tree, frame_nodes=frame_nodes), tree, frame_nodes=frame_nodes, what=what
        )


@check("6.3", sentence="Only nodes that compare are listed, each once; the root comes first.")
def chains_and_a_single_leaf(student: Student, rng: np.random.Generator) -> None:
    leaf = drawn_tree(rng, comparing=0)
    judge_order(
        ask(student, leaf, frame_nodes=1), leaf, frame_nodes=1, what="a tree that is a single leaf"
    )
    tree = chain(rng, comparing=15)
    judge_order(ask(student, tree, frame_nodes=4), tree, frame_nodes=4, what="a chain of 15 nodes")


@check("6.3", sentence="Of equal ones the smaller number comes first.")
def ties_everywhere(student: Student, rng: np.random.Generator) -> None:
    for frame_nodes in (2, 5):
        tree = drawn_tree(rng, comparing=30, most=2)
        tree["samples"] = np.full_like(tree["samples"], 7)
        what = f"30 nodes with as many samples, in frames of {frame_nodes}"
        judge_order(
            ask(student, tree, frame_nodes=frame_nodes), tree, frame_nodes=frame_nodes, what=what
        )
        tree = drawn_tree(rng, comparing=30, most=2)
        what = f"30 nodes with few samples, in frames of {frame_nodes}"
        judge_order(
            ask(student, tree, frame_nodes=frame_nodes), tree, frame_nodes=frame_nodes, what=what
        )
