"""The oracle of the split layers against NumPy, and its parts against the whole."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labs.gpu_training import split_layers

DRAWN = {"seed": st.integers(0, 1000), "is_kinked": st.booleans()}


@given(**DRAWN)
def test_the_whole_layer_is_that_of_numpy(seed, is_kinked):
    rng = np.random.default_rng(seed)
    layer = split_layers.drawn(rng, batch=2, width=3, hidden=6, is_kinked=is_kinked)
    before = layer.x @ layer.up
    np.testing.assert_allclose(layer.output(), before.clip(0) @ layer.down, atol=1e-12)
    back = np.where(before > 0, layer.gradient @ layer.down.T, 0) @ layer.up.T
    np.testing.assert_allclose(layer.input_gradient(), back, atol=1e-12)
    assert (before == 0).any() == is_kinked


@given(ranks=st.integers(1, 4), **DRAWN)
def test_parts_add_up(ranks, seed, is_kinked):
    rng = np.random.default_rng(seed)
    layer = split_layers.drawn(rng, batch=2, width=3, hidden=4 * ranks, is_kinked=is_kinked)
    parts = [layer.part(rank, ranks) for rank in range(ranks)]
    assert np.array_equal(np.hstack([part.up for part in parts]), layer.up)
    assert np.array_equal(np.vstack([part.down for part in parts]), layer.down)
    np.testing.assert_allclose(sum(p.output() for p in parts), layer.output(), atol=1e-12)
    whole = sum(p.input_gradient() for p in parts)
    np.testing.assert_allclose(whole, layer.input_gradient(), atol=1e-12)
