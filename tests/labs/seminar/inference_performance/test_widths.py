"""Exercise 6.9: the stand-in and the oracle of the check against every row there is."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.seminar.inference_performance.checks.widths import (
    judge_bits,
    wanted_bits,
    wanted_range,
)
from labs.seminar.inference_performance.given import accumulator_bits

WEIGHTS = st.lists(st.integers(-8, 7), min_size=1, max_size=2)


@given(row=WEIGHTS, bias=st.integers(-300, 300))
@settings(max_examples=60, deadline=None)
def test_every_row_fits_and_some_row_fits_no_less(row, bias):
    bits = accumulator_bits([row], [bias])
    sums = [
        bias + sum(weight * value for weight, value in zip(row, values, strict=True))
        for values in itertools.product(range(-8, 8), repeat=len(row))
    ]
    assert wanted_range([row], [bias]) == (min(sums), max(sums))
    fits = [all(-(2**b) <= 2 * x and 2 * x < 2**b for x in sums) for b in (bits - 1, bits)]
    assert fits == [False, True] or (bits == 1 and fits[1])


@given(
    seed=st.integers(0, 9999),
    outputs=st.integers(1, 5),
    inputs=st.integers(1, 20),
    largest=st.sampled_from([1, 8, 1000, 2**40]),
)
@settings(max_examples=60, deadline=None)
def test_the_stand_in_is_the_oracle(seed, outputs, inputs, largest):
    rng = np.random.default_rng(seed)
    weights = rng.integers(-largest, largest, (outputs, inputs))
    biases = rng.integers(-3 * largest, 3 * largest, outputs)
    want = wanted_bits(*wanted_range(weights, biases))
    assert accumulator_bits(weights, biases) == want
    assert want == max(
        wanted_bits(*wanted_range(weights[i : i + 1], biases[i : i + 1])) for i in range(outputs)
    )


@pytest.mark.parametrize(
    ("weights", "biases", "bits"),
    [
        ([[3, -2]], [10], 7),  # 47 and -28, the example of the text
        ([[0, 0]], [0], 1),
        ([[0]], [-1], 1),
        ([[0]], [1], 2),
        ([[0]], [-8], 4),
        ([[0]], [-9], 5),
        ([[1]], [0], 4),
        ([[-1]], [0], 5),  # 8 is one more than four bits hold
        ([[0], [0]], [7, -9], 5),
    ],
)
def test_cases_by_hand(weights, biases, bits):
    assert accumulator_bits(weights, biases) == bits
    judge_bits(bits, weights=weights, biases=biases, what="a case")


@pytest.mark.parametrize("kept_in", [np.int8, np.int16, np.int64, np.uint8, object])
def test_the_type_that_weights_are_kept_in_does_not_matter(kept_in):
    weights = np.array([[100, 100, 100], [127, 0, 1]], dtype=kept_in)
    # 300 * 7 = 2,100 and 300 * -8 = -2,400.
    assert accumulator_bits(weights, np.array([0, 5], dtype=np.int8)) == 13


@pytest.mark.parametrize("answer", [7, 7.0, np.int8(7), np.float32(7), np.array(7), np.uint64(7)])
def test_every_sensible_form_of_a_width_is_taken(answer):
    judge_bits(answer, weights=[[3, -2]], biases=[10], what="a case")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (6, "take a width of 7; yours, 6, is too few bits"),
        (8, "is more bits than it takes"),
        (-1, "too few"),
        (7.5, "a whole number"),
        (float("nan"), "a whole number"),
        (float("inf"), "a whole number"),
        (True, "one whole number"),
        ("7", "one whole number"),
        (None, "one whole number"),
        (7j, "one whole number"),
        ([7], "one width for all"),
        (np.array([7, 7]), "one width for all"),
        (np.array("7"), "one whole number"),
    ],
)
def test_everything_else_is_told(answer, words):
    with pytest.raises(AssertionError, match=words):
        judge_bits(answer, weights=[[3, -2]], biases=[10], what="a case")
