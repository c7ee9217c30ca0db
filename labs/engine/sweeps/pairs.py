"""Two settings with the same seeds: by how much a result differs, and whether that is luck.

Were the two alike, each pair could as well have come the other way round. The p-value is how often
such flips take the mean difference as far from 0 as it is, the same test as that of
`course_utils.stats.paired_difference`, made fast enough for thousands of comparisons. Of n pairs it
cannot be below ``2 / 2**n``, which says how many seeds a verdict needs. Nothing is read or shown
here.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from course_utils.stats import EXACT_UNITS, Floats, Interval, holm, mean_interval

LEVEL = 0.05  # of a family of comparisons: how often it may claim any difference that is none
FEWEST_PATTERNS = 10_000  # of signs, where there are too many to take them all
Verdict = Literal["larger", "smaller", "no difference shown", "too few seeds"]


@dataclass(frozen=True)
class Pairs:
    """Values of a result in two settings, by position those of the same seed.

    Parameters
    ----------
    a, b
        As many of the one as of the other, one at least.
    """

    a: tuple[float, ...]
    b: tuple[float, ...]

    @property
    def n(self) -> int:
        """Number of pairs."""
        return len(self.a)

    @property
    def difference(self) -> float:
        """Mean of ``b - a``."""
        return float(self._differences.mean())

    @property
    def interval(self) -> Interval | None:
        """The mean of ``b - a`` with Student's t interval of 95 %; None of a single pair."""
        return mean_interval(self._differences) if self.n > 1 else None

    @property
    def _differences(self) -> Floats:
        return np.asarray(self.b, dtype=np.float64) - np.asarray(self.a, dtype=np.float64)

    def p_value(self, comparisons: int = 1) -> float:
        """Return the probability of a mean difference as far from 0 by luck alone.

        Parameters
        ----------
        comparisons
            Among how many it stands: the more, the more patterns of signs are drawn where there are
            too many to take them all, so that the p-value can be small enough.

        Examples
        --------
        >>> Pairs((1, 2, 3), (2, 3, 5)).p_value()
        0.25
        """
        differences = self._differences
        scale = np.abs(differences).sum()
        observed = abs(differences.sum()) - 1e-12 * scale  # ties, despite rounding
        is_drawn = self.n > EXACT_UNITS
        signs = _signs(self.n, max(FEWEST_PATTERNS, math.ceil(2 * comparisons / LEVEL)))
        as_far = int(np.count_nonzero(np.abs(signs @ differences) >= observed))
        return (as_far + is_drawn) / (len(signs) + is_drawn)


def pair(a: Mapping[int | None, float], b: Mapping[int | None, float]) -> Pairs | None:
    """Return the values of the seeds that both have; None if there is no such seed.

    Parameters
    ----------
    a, b
        Seed -> value; the seed None is that of a notebook without one.

    Examples
    --------
    >>> pair({0: 1.0, 1: 2.0}, {1: 2.5, 2: 3.5})
    Pairs(a=(2.0,), b=(2.5,))
    """
    seeds = [seed for seed in a if seed in b]
    if not seeds:
        return None
    return Pairs(tuple(a[seed] for seed in seeds), tuple(b[seed] for seed in seeds))


def fewest_pairs(comparisons: int = 1) -> int:
    """Return how many pairs each of some comparisons needs for a verdict to be possible.

    Parameters
    ----------
    comparisons
        How many are made, >= 1.

    Examples
    --------
    >>> fewest_pairs(1), fewest_pairs(30)
    (6, 11)
    """
    return math.ceil(math.log2(2 * comparisons / LEVEL))


def judge(family: Sequence[Pairs]) -> list[tuple[Verdict, float]]:
    """Return for each comparison its verdict on b against a, and its p-value after Holm.

    Any "larger" or "smaller" among them is wrong in at most 5 % of such families.

    Parameters
    ----------
    family
        All comparisons that are made together.

    Examples
    --------
    >>> judge([Pairs((0, 0, 0, 0, 0, 0), (1, 2, 3, 4, 5, 6))])
    [('larger', 0.03125)]
    >>> judge([Pairs((0, 0, 0), (1, 2, 3))])
    [('too few seeds', 0.25)]
    """
    if not family:
        return []
    adjusted = holm([pairs.p_value(len(family)) for pairs in family])
    needed = fewest_pairs(len(family))
    return [(_verdict(pairs, p, needed), p) for pairs, p in zip(family, adjusted, strict=True)]


def _verdict(pairs: Pairs, p_value: float, needed: int) -> Verdict:
    if p_value <= LEVEL:
        return "larger" if pairs.difference > 0 else "smaller"
    return "too few seeds" if pairs.n < needed else "no difference shown"


@functools.lru_cache(maxsize=4)
def _signs(n: int, patterns: int) -> Floats:
    """Return patterns of n signs, all of them if n is small, else so many drawn at random."""
    if n <= EXACT_UNITS:
        bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        bits = np.random.default_rng(0).integers(0, 2, size=(patterns, n), dtype=np.int8)
    return np.asarray(1 - 2 * bits, dtype=np.float64)
