"""Quantised splits of a forest: codes for pixels and thresholds, and what they leave open.

A number v has the code ``floor(v / step)``. The same function codes rows and thresholds, and it
never falls when v rises, so two different codes order as their numbers do. Where a row's code
equals that of the threshold, its *split*, the comparison is lost: a quantised tree goes left there,
and the tree it was made of may have gone either way. FastInference calls this optimisation
``quantize`` (github.com/sbuschjaeger/fastinference, ``fastinference/optimizers/tree/quantize.py``);
it scales thresholds by a factor and leaves it to the user to scale the rows.

What a tree may answer is the exercise's function, handed in as ``score_bounds``. Here its bounds
are added up over trees, in the order in which `trees.scores` adds. Rounding never turns two sums
around: if each part of one is at most the same part of another, so is the sum, in floating point
as well. So low and high hold for scores of doubles exactly, without a tolerance. Nothing is
measured or drawn here.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.seminar.inference_performance.trees import Floats, Ints, Tree, scores

MOST_BITS = 8
ScoreBounds = Callable[[dict[str, npt.NDArray[Any]], Ints], tuple[npt.ArrayLike, npt.ArrayLike]]
Split = dict[str, npt.NDArray[Any]]


def step_of(bits: int, largest: float) -> float:
    """Return the step that cuts the numbers from 0 to the largest into ``2**bits`` parts.

    The largest number begins a part of its own, so codes go from 0 to ``2**bits``: one code more
    than that many bits have. A byte holds all of them up to 7 bits.

    Parameters
    ----------
    bits
        How often the range is halved, 1 to 8.
    largest
        Largest number of a row, > 0.

    Raises
    ------
    ValueError
        If a value is outside of its range, naming it.

    Examples
    --------
    >>> [step_of(bits, 16) for bits in (1, 3, 4, 5)]
    [8.0, 2.0, 1.0, 0.5]
    """
    if not 1 <= bits <= MOST_BITS:
        raise ValueError(f"bits is {bits}; give 1 to {MOST_BITS}")
    if not 0 < largest < np.inf:
        raise ValueError(f"largest is {largest}; give a finite number above 0")
    return float(largest) / 2.0**bits


def codes_of(numbers: npt.ArrayLike, step: float) -> Ints:
    """Return the codes of numbers, ``floor(number / step)``, in the same shape.

    Parameters
    ----------
    numbers
        Finite: rows, or thresholds. Taken as float64.
    step
        Above 0, as `step_of` gives it.

    Raises
    ------
    ValueError
        If the step is not above 0, or a number is not finite or has no code in 64 bits.

    Examples
    --------
    >>> codes_of([3, 4, 7, 9, -1], 4).tolist(), int(codes_of(6.5, 4))
    ([0, 1, 1, 2, -1], 1)
    """
    if not 0 < step < np.inf:
        raise ValueError(f"step is {step}; give a finite number above 0")
    found = np.floor(np.asarray(numbers, dtype=np.float64) / step)
    if not (np.abs(found) < 2.0**62).all():
        raise ValueError("a number is not finite, or too large for a code of 64 bits")
    return np.asarray(found, dtype=np.int64)


def halfway(forest: Sequence[Tree]) -> list[Tree]:
    """Return a forest with every threshold halfway between two whole numbers.

    scikit-learn puts a threshold in the middle of two numbers that it saw, so on whole numbers it
    is a half or whole. ``floor(threshold) + 0.5`` decides the same for every whole number, and no
    whole number equals it.

    Parameters
    ----------
    forest
        For rows of whole numbers; thresholds below ``2**51``, so that halves exist.

    Raises
    ------
    ValueError
        If a threshold is larger.

    Examples
    --------
    >>> from labs.seminar.inference_performance.trees import Tree
    >>> tree = Tree(feature=np.array([0, -1, -1]), threshold=np.array([3.0, 0, 0]),
    ...     left=np.array([1, -1, -1]), right=np.array([2, -1, -1]),
    ...     values=np.eye(3, 2), samples=np.array([2, 1, 1]))
    >>> halfway([tree])[0]["threshold"].tolist()
    [3.5, 0.0, 0.0]
    """
    if any((np.abs(tree["threshold"]) >= 2.0**51).any() for tree in forest):
        raise ValueError("a threshold is 2**51 or more; there are no halves between such numbers")
    moved = [tree.copy() for tree in forest]
    for tree in moved:
        whole = np.floor(tree["threshold"])
        tree["threshold"] = np.where(tree["feature"] >= 0, whole + 0.5, 0.0)
    return moved


def with_splits(forest: Sequence[Tree], step: float) -> list[Split]:
    """Return the trees as dicts with one array more: ``split``, the codes of the thresholds.

    Parameters
    ----------
    forest
        Any.
    step
        That of the rows as well.
    """
    return [{**_arrays(tree), "split": codes_of(tree["threshold"], step)} for tree in forest]


def quantized_scores(forest: Sequence[Split], codes: Ints) -> Floats:
    """Return the scores (rows, classes) of a forest that compares codes: left if code <= split.

    This is what a forest does that is compiled with bytes as keys.

    Parameters
    ----------
    forest
        From `with_splits`.
    codes
        (rows, features), from `codes_of` with the same step.
    """
    walked = [_tree(tree, threshold=tree["split"].astype(np.float64)) for tree in forest]
    return scores(walked, codes)


def bounded_scores(
    forest: Sequence[Split], codes: Ints, *, score_bounds: ScoreBounds
) -> tuple[Floats, Floats]:
    """Return the lowest and highest scores that a forest may have given, whatever was lost.

    Parameters
    ----------
    forest
        From `with_splits`.
    codes
        (rows, features), from `codes_of` with the same step.
    score_bounds
        Function of a tree and a row of codes: low and high of each class, as exercise 6.6 asks.

    Returns
    -------
    tuple
        Low and high, (rows, classes) each.
    """
    totals = np.zeros((2, len(codes), forest[0]["values"].shape[1]))
    for tree in forest:
        for place, row in enumerate(codes):
            totals[:, place] += np.asarray(score_bounds(tree, row), dtype=np.float64)
    low, high = totals / len(forest)
    return low, high


def certified(low: Floats, high: Floats, *, classes: Ints) -> npt.NDArray[np.bool_]:
    """Return the rows whose class stays the first with the largest score, within these bounds.

    It is a proof where it is true, and nothing where it is false: bounds of two classes may be
    reached by different leaves, never both at once.

    Parameters
    ----------
    low, high
        (rows, classes), lowest and highest scores.
    classes
        (rows,), the predicted class of each row.

    Examples
    --------
    >>> low, high = np.array([[0.5, 0.1], [0.4, 0.2]]), np.array([[0.8, 0.5], [0.9, 0.5]])
    >>> certified(low, high, classes=np.array([0, 0])).tolist()
    [True, False]
    """
    rows, others = np.arange(len(low)), np.arange(low.shape[1])
    least = low[rows, classes][:, None]
    # Of equal scores the first wins, so a class need not be above those that come after it.
    wins = (least > high) | ((least == high) & (others > classes[:, None]))
    wins[rows, classes] = True
    return np.asarray(wins.all(axis=1))


def _arrays(tree: Tree) -> Split:
    return {
        "feature": tree["feature"],
        "threshold": tree["threshold"],
        "left": tree["left"],
        "right": tree["right"],
        "values": tree["values"],
        "samples": tree["samples"],
    }


def _tree(arrays: Split, *, threshold: Floats) -> Tree:
    return Tree(
        feature=arrays["feature"],
        threshold=threshold,
        left=arrays["left"],
        right=arrays["right"],
        values=arrays["values"],
        samples=arrays["samples"],
    )
