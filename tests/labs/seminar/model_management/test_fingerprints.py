"""Hashes against hashlib written out, and what makes two of them differ."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from labs.seminar.model_management import fingerprints as f

ARRAYS = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


@given(array=ARRAYS)
def test_a_tensor_against_hashlib(array):
    # The line and the elements, one after another in C order.
    shape = "x".join(str(n) for n in array.shape)
    body = b"".join(x.tobytes() for x in array.ravel())
    want = hashlib.sha256(f"{array.dtype.name} {shape}\n".encode() + body).hexdigest()
    assert f.tensor_hash(array) == want


@given(array=ARRAYS)
def test_how_an_array_lies_in_memory_does_not_matter(array):
    big = array.astype(array.dtype.newbyteorder(">"))
    for other in (np.asfortranarray(array), big, array[::-1][::-1] if array.ndim else array):
        assert f.tensor_hash(other.reshape(array.shape)) == f.tensor_hash(array)


def test_a_layer_by_hand_in_any_order():
    tensors = {"b": np.zeros(1), "a": np.ones(1)}
    lines = f"a {f.tensor_hash(np.ones(1))}\nb {f.tensor_hash(np.zeros(1))}\n"
    want = hashlib.sha256(lines.encode()).hexdigest()
    assert f.layer_hash(tensors) == f.layer_hash(dict(reversed(tensors.items()))) == want


@pytest.mark.parametrize("count", range(1, 20))
def test_every_leaf_changes_the_root_and_only_its_ancestors(count):
    leaves = [hashlib.sha256(bytes([i])).hexdigest() for i in range(count)]
    levels = f.merkle_levels(leaves)
    assert [len(level) for level in levels][-1] == 1
    for i in range(count):
        other = f.merkle_levels([*leaves[:i], "x" * 64, *leaves[i + 1 :]])
        for depth, (mine, its) in enumerate(zip(levels, other, strict=True)):
            changed = [k for k, (a, b) in enumerate(zip(mine, its, strict=True)) if a != b]
            assert changed == [i >> depth]


def test_the_root_of_three_by_hand():
    def sha(text):
        return hashlib.sha256(text.encode()).hexdigest()

    assert f.model_hash({"x": "a", "y": "b", "z": "c"}) == sha(sha("ab") + "c")
