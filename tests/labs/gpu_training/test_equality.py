"""Differences are found wherever they are; weights of another form are an error, not a 0."""

import numpy as np
import pytest

from labs.gpu_training import equality


def weights(**changed):
    known = {"a": np.zeros((2, 3), np.float32), "b": np.ones(4, np.float32)}
    return known | changed


def test_the_largest_difference_of_all_counts():
    other = weights(b=np.float32([1, 1, 1.25, 1]), a=np.full((2, 3), 0.125, np.float32))
    assert equality.largest_difference(other, weights()) == 0.25
    assert equality.largest_difference(weights(), weights()) == 0


def test_a_rank_without_weights_differs_by_nothing():
    assert equality.largest_difference(None, weights()) == 0
    assert equality.largest_difference({}, weights()) == 0


def test_no_number_is_never_equal():
    odd = weights(a=np.full((2, 3), np.nan, np.float32))
    difference = equality.largest_difference(odd, weights())
    assert not difference <= equality.LIMIT
    assert not equality.max_of([0.0, difference, 1.0]) <= equality.LIMIT


@pytest.mark.parametrize(
    "other",
    [
        weights(c=np.zeros(1, np.float32)),
        weights(a=np.zeros((3, 2), np.float32)),
        {"a": np.zeros((2, 3), np.float32)},
    ],
    ids=["one more", "another shape", "one missing"],
)
def test_weights_of_another_form_are_refused(other):
    with pytest.raises(ValueError, match="on one side only"):
        equality.largest_difference(other, weights())


def test_the_limit_stands_far_below_a_fault():
    """One weight that misses a step of AdamW is off by about the learning rate."""
    assert equality.EQUALITY.learning_rate / 100 > equality.LIMIT
