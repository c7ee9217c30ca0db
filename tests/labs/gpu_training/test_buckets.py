"""Buckets: every gradient once, in order, as full as they may be; by hand equal to the given."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from labs.gpu_training import buckets, flat_arrays
from labs.gpu_training.given import data_parallel

SIZES = st.lists(st.integers(1, 50), max_size=30)


@given(SIZES, st.integers(0, 200))
def test_each_bucket_is_as_full_as_it_may_be(sizes: list[int], limit: int) -> None:
    groups = buckets.bucket(sizes, limit)
    assert [i for group in groups for i in group] == list(range(len(sizes)))[::-1]
    totals = [sum(sizes[i] for i in group) for group in groups]
    assert all(
        total <= limit or len(group) == 1 for total, group in zip(totals, groups, strict=True)
    )
    followers = [sizes[group[0]] for group in groups[1:]]
    assert all(t + size > limit for t, size in zip(totals, followers, strict=False))


@given(SIZES, st.integers(0, 200))
def test_the_given_function_fills_the_same_buckets(sizes: list[int], limit: int) -> None:
    assert data_parallel.bucket(sizes, limit) == buckets.bucket(sizes, limit)


def test_buckets_of_parameters_count_bytes() -> None:
    parameters = [torch.zeros(4), torch.zeros(2, 2, dtype=torch.float64), torch.zeros(3)]
    assert buckets.of_parameters(parameters, 44) == [[2, 1], [0]]


@given(st.lists(st.lists(st.integers(0, 3), max_size=3), min_size=1, max_size=5))
def test_spread_undoes_flatten(shapes: list[list[int]]) -> None:
    tensors = [torch.rand(shape) for shape in shapes]
    places = [torch.empty(shape) for shape in shapes]
    buckets.spread(buckets.flatten(tensors), places)
    assert all(torch.equal(a, b) for a, b in zip(tensors, places, strict=True))


def test_spread_refuses_other_sizes() -> None:
    with pytest.raises(RuntimeError, match="split_sizes"):
        buckets.spread(torch.zeros(3), [torch.zeros(2)])


@given(st.integers(0, 200), st.sampled_from(["float16", "float32", "float64"]))
def test_cut_undoes_join(limit: int, dtype: str) -> None:
    arrays = [np.arange(n * 2, dtype=dtype).reshape(n, 2) + 100 * n for n in (3, 1, 7, 2)]
    groups = buckets.bucket([array.nbytes for array in arrays], limit)
    flats = [flat_arrays.join(arrays, group) for group in groups]
    for like in (arrays, dict(enumerate(arrays))):
        back = flat_arrays.cut(flats, groups, like=like)
        for mine, theirs in zip(back, arrays, strict=True):
            assert mine.dtype == theirs.dtype
            np.testing.assert_array_equal(mine, theirs)
