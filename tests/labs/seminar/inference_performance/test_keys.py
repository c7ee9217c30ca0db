"""Keys decide as float64 thresholds do, and refuse what has none."""

import math
import struct

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labs.seminar.inference_performance.keys import Keys, float32_thresholds, ordered_codes

FLOAT32 = st.floats(width=32, allow_nan=False)
LARGEST = float(np.finfo(np.float32).max)


@given(threshold=st.floats(-LARGEST, LARGEST), row=FLOAT32)
@example(threshold=-0.0, row=0.0)
@example(threshold=-1e-46, row=-0.0)
@example(threshold=2.0**-150, row=2.0**-149)
def test_all_three_forms_decide_alike(threshold, row):
    near = float32_thresholds(np.array([threshold]))
    codes = ordered_codes(near), ordered_codes(np.array([row]))
    assert (row <= threshold) == (row <= float(near[0])) == bool(codes[1][0] <= codes[0][0])


@given(threshold=st.floats(-LARGEST, LARGEST, exclude_max=True))
def test_the_next_float32_is_above_the_threshold(threshold):
    near = float32_thresholds(np.array([threshold]))[0]
    assert (
        float(near) <= threshold < float(np.nextafter(near, np.float32(np.inf), dtype=np.float32))
    )


@given(number=FLOAT32)
def test_a_code_is_the_bits_with_the_sign_apart(number):
    (bits,) = struct.unpack("<I", struct.pack("<f", abs(number)))
    assert ordered_codes(np.array([number])).tolist() == [math.copysign(1, number) * bits]


def test_thresholds_beyond_float32_decide_too():
    near = float32_thresholds(np.array([1e300, -1e300]))
    assert near.tolist() == [LARGEST, -math.inf]


@pytest.mark.parametrize("keys", [Keys(), Keys("float32"), Keys("small", 2.0)])
def test_nan_is_refused(keys):
    with pytest.raises(ValueError, match="NaN"):
        keys.of_rows(np.array([[1.0, np.nan]]))
    with pytest.raises(ValueError, match="NaN"):
        keys.of_thresholds(np.array([np.nan]))


@given(
    rows=st.lists(st.floats(0, 510, width=32), min_size=1, max_size=8), threshold=st.floats(0, 510)
)
def test_small_keys_never_turn_an_order_round(rows, threshold):
    keys = Keys("small", 2.0)
    coded, split = keys.of_rows(np.array(rows)), keys.of_thresholds(np.array([threshold]))[0]
    assert coded.tolist() == [math.floor(row / 2) for row in rows]
    for row, code in zip(rows, coded.tolist(), strict=True):
        assert code == split or (code < split) == (row <= threshold)


@pytest.mark.parametrize("number", [-0.5, 512.0, math.inf])
def test_a_number_without_a_small_key_is_refused(number):
    with pytest.raises(ValueError, match="one byte holds 0 to 255"):
        Keys("small", 2.0).of_rows(np.array([[1.0, number]]))


@pytest.mark.parametrize(
    ("name", "step", "said"),
    [
        ("int8", None, "not one of: float32, codes, small"),
        ("small", None, "'small' alone has it"),
        ("codes", 2.0, "'small' alone has it"),
        ("small", 0.0, "above 0"),
        ("small", math.inf, "above 0"),
    ],
)
def test_kinds_that_there_are_not(name, step, said):
    with pytest.raises(ValueError, match=said):
        Keys(name, step)
