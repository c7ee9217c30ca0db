"""What fewer bits change in a forest: what is proved, what happened, and what it cost.

For each number of bits the float and the quantised forest answer the same rows. A row is certified
if no choice within the bounds changes its class, and unchanged if its class did not change. The
bounds are checked against both forests. Nothing is drawn here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from course_utils import stats
from course_utils.records import Result
from labs.seminar.inference_performance import splits
from labs.seminar.inference_performance.trees import Ints, Tree, scores

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Guarantee:
    """What one number of bits keeps.

    Parameters
    ----------
    bits, step
        Of a code.
    is_certified, is_unchanged
        (rows,), whether the class cannot change, and whether it did not.
    was_right, is_right
        (rows,), before and after.
    violations
        Scores outside of their bounds, and certified rows with another class: 0 if the bounds hold.
    """

    bits: int
    step: float
    is_certified: Bools
    is_unchanged: Bools
    was_right: Bools
    is_right: Bools
    violations: int

    @property
    def certified(self) -> Result:
        """Share of rows that are certified, with Wilson's interval."""
        return _share(self.is_certified)

    @property
    def unchanged(self) -> Result:
        """Share of rows whose class did not change, with Wilson's interval."""
        return _share(self.is_unchanged)

    def loss(self, rng: np.random.Generator) -> Result:
        """Return the accuracy lost: right before less right after, row by row."""
        before, after = (right.astype(float) for right in (self.was_right, self.is_right))
        return stats.paired_difference(before, after, rng=rng).result()

    def row(self, rng: np.random.Generator) -> dict[str, str | int | float]:
        """Return all of it as a row of a table.

        Parameters
        ----------
        rng
            For the interval of the loss.
        """
        return {
            "bits": self.bits,
            "step": self.step,
            "certified": self.certified.describe(""),
            "unchanged": self.unchanged.describe(""),
            "accuracy lost": self.loss(rng).describe(""),
            "outside of bounds": self.violations,
        }


def at_bits(
    forest: Sequence[Tree],
    rows: npt.NDArray[np.generic],
    *,
    labels: Ints,
    bits: int,
    largest: float,
    score_bounds: splits.ScoreBounds,
) -> Guarantee:
    """Return what a number of bits keeps.

    Parameters
    ----------
    forest
        Any; for whole rows take `splits.halfway` first, which changes no answer.
    rows, labels
        (rows, features) and (rows,).
    bits, largest
        As for `splits.step_of`.
    score_bounds
        As for `splits.bounded_scores`.
    """
    step = splits.step_of(bits, largest)
    quantized, codes = splits.with_splits(forest, step), splits.codes_of(rows, step)
    low, high = splits.bounded_scores(quantized, codes, score_bounds=score_bounds)
    before, after = scores(forest, rows), splits.quantized_scores(quantized, codes)
    classes, new_classes = before.argmax(axis=1), after.argmax(axis=1)
    is_certified = splits.certified(low, high, classes=classes)
    is_unchanged = classes == new_classes
    outside = [int(((each < low) | (each > high)).sum()) for each in (before, after)]
    return Guarantee(
        bits,
        step,
        is_certified=is_certified,
        is_unchanged=is_unchanged,
        was_right=classes == labels,
        is_right=new_classes == labels,
        violations=sum(outside) + int((is_certified & ~is_unchanged).sum()),
    )


def _share(is_so: Bools) -> Result:
    return stats.proportion_interval(int(is_so.sum()), len(is_so)).result()
