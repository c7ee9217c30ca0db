"""What is joined and cut again is what it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.gpu_training import flat_arrays

SHAPES = st.lists(st.lists(st.integers(0, 3), max_size=3).map(tuple), min_size=1, max_size=6)


@given(shapes=SHAPES, data=st.data())
def test_cut_undoes_join_in_any_groups(shapes, data):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    order = data.draw(st.permutations(range(len(arrays))))
    at = data.draw(st.integers(0, len(arrays)))
    groups = [group for group in (order[:at], order[at:]) if group]
    flats = [flat_arrays.join(arrays, group) for group in groups]
    assert all(flat.ndim == 1 and flat.dtype == np.float32 for flat in flats)
    back = flat_arrays.cut(flats, groups, like=arrays)
    assert [part.shape for part in back] == shapes
    assert all(np.array_equal(one, two) for one, two in zip(back, arrays, strict=True))


def test_arrays_may_come_by_index():
    arrays = {0: np.ones((2, 1)), 1: np.zeros(3)}
    assert flat_arrays.join(arrays, [1, 0]).tolist() == [0, 0, 0, 1, 1]


def test_a_flat_array_without_a_group_is_refused():
    with pytest.raises(ValueError, match="zip"):
        flat_arrays.cut([np.ones(1), np.ones(1)], [[0]], like=[np.ones(1)])
