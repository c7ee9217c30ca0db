"""Grids of codes: properties, worked examples, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.mcu_compression import affine
from labs.mcu_compression.affine import Grid

ENDS = st.floats(-1e4, 1e4, allow_subnormal=False)


@given(a=ENDS, b=ENDS, bits=st.integers(2, 16))
def test_zero_is_on_every_grid_and_the_ends_are_near_it(a, b, bits):
    low, high = min(a, b), max(a, b)
    grid = Grid.spanning(low, high, bits=bits)
    assert grid.restore(grid.codes(0.0)) == 0
    # The zero point is rounded, which moves the ends by at most half a step; the scale is float32.
    half = grid.scale * (0.5 + 2**bits * 2**-22)
    assert abs(grid.values[0] - min(low, 0)) <= half or grid.scale == 1
    assert abs(grid.values[-1] - max(high, 0)) <= half or grid.scale == 1
    assert len(grid.values) == 2**bits


@given(low=st.floats(-5, 0), high=st.floats(0.01, 5), bits=st.integers(2, 8), share=st.floats(0, 1))
def test_inside_the_range_the_error_is_at_most_half_a_step(low, high, bits, share):
    grid = Grid.spanning(low, high, bits=bits)
    x = low + share * (high - low)
    assert abs(grid.restore(grid.codes(x)) - x) <= grid.scale * (0.5 + 1e-4)


def test_by_hand():
    grid = Grid.spanning(-0.5, 1.0, bits=2)
    assert (grid.scale, grid.zero_point) == (0.5, -1)
    assert grid.codes([-0.5, 0, 0.7, 1.0, 1.4, 99]).tolist() == [-2, -1, 0, 1, 1, 1]
    assert Grid.spanning(0.3, 1.5, bits=2) == Grid(0.5, -2, 2)
    assert Grid.spanning(-1.5, -1.0, bits=2) == Grid(0.5, 1, 2)
    assert Grid.spanning(0, 0, bits=8) == Grid(1.0, 0, 8)
    assert Grid.spanning(0, 1e-320, bits=8) == Grid(1.0, 0, 8)


def test_scales_of_channels():
    weights = np.array([[1.27, -0.3], [0.2, -2.54], [0.0, 0.0]])
    assert affine.channel_scales(weights, bits=8) == pytest.approx([0.01, 0.02, 1.0])
    assert affine.channel_scales(weights, bits=2) == pytest.approx([1.27, 2.54, 1.0])


@given(st.integers(0, 1000))
def test_a_channel_is_never_coarser_than_the_tensor(seed):
    weights = np.random.default_rng(seed).normal(size=(4, 3, 2))
    whole = affine.channel_scales(weights.reshape(1, -1), bits=4)
    assert (affine.channel_scales(weights, bits=4) <= whole).all()


def given_quantize(x, scale, zero_point, bits):
    return Grid(scale, zero_point, bits).codes(x)


def test_error_of_weights_by_hand():
    """One channel a hundred times smaller: one scale for all rounds it to 0, its own does not."""
    weights = np.array([[1.0, -1.0], [0.01, 0.01]])
    found = affine.weight_error(
        "a", weights, bits=3, quantize=given_quantize,
        scales=lambda w, bits: affine.channel_scales(w, bits=bits),
    )  # fmt: skip
    assert found.per_tensor == pytest.approx(np.sqrt(2e-4 / 2.0002))
    assert found.per_channel == pytest.approx(0, abs=1e-6)
    assert found.widest == pytest.approx(1 / 0.505)  # the median of two is their mean


def test_error_of_a_range_adds_up():
    values = np.r_[np.random.default_rng(0).exponential(size=2000), 40.0]

    def grid(low, high, bits):
        found = Grid.spanning(low, high, bits=bits)
        return found.scale, found.zero_point

    whole, most = (
        affine.range_error(values, p, bits=4, grid=grid, quantize=given_quantize)
        for p in (100.0, 99.0)
    )
    assert whole.saturation == 0
    assert most.saturation > 0
    assert most.rounding < whole.rounding
    g = Grid.spanning(*affine.percentile_range(values, 99.0), bits=4)
    want = np.sqrt(np.mean((g.restore(g.codes(values)) - values) ** 2))
    assert most.total == pytest.approx(want)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Grid.spanning(1, 0, bits=8), "the range is 1 to 0"),
        (lambda: Grid.spanning(0, float("nan"), bits=8), "the range is 0 to nan"),
        (lambda: Grid.spanning(0, 1, bits=1), "bits is 1"),
        (lambda: Grid(0.0, 0, 8), "scale is 0.0"),
        (lambda: Grid(1.0, 200, 8), "zero_point is 200"),
        (lambda: affine.percentile_range(np.ones(3), 0), "percent is 0"),
    ],
)
def test_what_is_no_grid_is_refused(make, told):
    with pytest.raises(ValueError, match=told):
        make()
