"""The limits that the checks of 3.7 and 3.13 apply, against independent statistics."""

import numpy as np
import pytest
from scipy import stats

from labs.federated_learning.checks import private


def test_the_limit_of_chance_is_once_in_a_billion() -> None:
    assert pytest.approx(stats.chi2.isf(1e-9, 255), abs=0.1) == private.CHI_SQUARE_LIMIT


def test_chi_square_is_scipys() -> None:
    words = np.random.default_rng(0).integers(0, 2**32, 3000, np.uint32)
    counts = np.bincount(words.view(np.uint8), minlength=256)
    assert private.chi_square([words]) == pytest.approx(stats.chisquare(counts).statistic)


def test_a_mask_of_31_bits_shows() -> None:
    words = np.random.default_rng(0).integers(0, 2**31, 8192, np.uint32)
    with pytest.raises(AssertionError, match="something shows through"):
        private.judge_chance(private.chi_square([words]))


def test_words_are_pythons_own() -> None:
    words = private.words_of(np.array([1.5, -1.5, 0.0]), 256.0)
    assert words.tolist() == [384, 2**32 - 384, 0]


def test_the_expected_average_by_hand() -> None:
    updates = np.array([[6.0, 8.0], [0.0, 0.0]])
    noise = (0.5, np.array([1.0, -1.0]))
    want, scale = private.expected_average(updates, 5.0, noise=noise, expected=2.0)
    # ((3, 4) + (0, 0) + 0.5 * 5 * (1, -1)) / 2
    assert want.tolist() == [2.75, 0.75]
    assert scale.tolist() == [2.75, 3.25]
