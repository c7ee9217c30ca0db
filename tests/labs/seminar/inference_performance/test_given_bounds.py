"""The stand-ins of exercises 6.6 and 6.7, and the oracles of their checks, against brute force."""

import itertools

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from labs.seminar.inference_performance import given
from labs.seminar.inference_performance.checks import forest_bounds, layer_bounds

SEEDS = st.integers(0, 10_000)


@examples(seed=SEEDS, inner=st.integers(0, 14), most=st.integers(0, 4))
@settings(max_examples=80, deadline=None)
def test_leaves_within_reach(seed, inner, most):
    rng = np.random.default_rng(seed)
    tree = forest_bounds.tree_of(rng, inner=inner, most=most)
    codes = forest_bounds.codes_for(rng, most=most)
    want = forest_bounds.wanted_bounds(tree, codes)
    assert [ends.tolist() for ends in given.score_bounds(tree, codes)] == want
    # Any walk that decides freely where codes are equal ends in such a leaf.
    node = 0
    while tree["feature"][node] >= 0:
        difference = codes[tree["feature"][node]] - tree["split"][node]
        goes_left = rng.random() < 0.5 if difference == 0 else difference < 0
        node = tree["left" if goes_left else "right"][node]
    assert node in forest_bounds.leaves_within_reach(tree, codes)


@examples(seed=SEEDS, inputs=st.integers(1, 3), error=st.sampled_from([0.0, 0.1, 1.0, 9.0]))
@settings(max_examples=40, deadline=None)
def test_layer_bound_is_the_farthest_corner(seed, inputs, error):
    layer = layer_bounds.layer_of(
        np.random.default_rng(seed), outputs=2, inputs=inputs, error=error
    )
    weights, off, x, input_off = layer
    signs = np.array(list(itertools.product((-1, 1), repeat=2 * inputs)))
    for output in range(2):
        moved = (weights[output] + signs[:, :inputs] * off[output]) * (
            x + signs[:, inputs:] * input_off
        )
        farthest = np.abs(moved.sum(axis=1) - weights[output] @ x).max()
        assert layer_bounds.wanted_bound(layer)[output] == pytest.approx(farthest, abs=1e-12)


@examples(seed=SEEDS, shape=st.tuples(st.integers(1, 5), st.integers(1, 12)))
@settings(max_examples=40, deadline=None)
def test_layer_bounds_with_zeros(seed, shape):
    rng = np.random.default_rng(seed)
    outputs, inputs = shape
    layer = layer_bounds.layer_of(rng, outputs=outputs, inputs=inputs)
    layer = tuple(np.where(rng.random(x.shape) < 0.3, 0.0, x) for x in layer)
    assert given.layer_bound(*layer) == pytest.approx(layer_bounds.wanted_bound(layer), abs=1e-12)


@pytest.mark.parametrize(
    ("got", "message"),
    [
        (None, "return two arrays"),
        ([[1.0, 0.5]], "yours 1"),
        ((0.5, 0.7), "one number a class"),
        (([0.5], [0.7]), "yours has 1"),
        (([0.4, float("nan")], [0.9, 0.6]), "low: expected"),
        (("ab", "cd"), "one number a class"),
    ],
)
def test_bounds_of_a_wrong_form_are_named(got, message):
    tree, codes = forest_bounds.small_tree(), np.array([2, 2])
    with pytest.raises(AssertionError, match=message):
        forest_bounds.judge_bounds(got, tree=tree, codes=codes, what="here")


@pytest.mark.parametrize(
    ("got", "message"),
    [
        (4.0, "one number an output"),
        ([4.0, 4.0], "yours has 2"),
        (["4"], "for output 0"),
        ([True], "for output 0"),
        ([float("inf")], "is inf"),
        ([3.9], "smaller than a change that can happen"),
        ([4.1], "larger than any change that can happen"),
    ],
)
def test_a_bound_of_a_wrong_form_is_named(got, message):
    layer = (np.array([[2.0]]), np.array([[0.5]]), np.array([3.0]), np.array([1.0]))
    layer_bounds.judge_bound([np.float32(4.0)], layer=layer, what="here")
    with pytest.raises(AssertionError, match=message):
        layer_bounds.judge_bound(got, layer=layer, what="here")
