"""Sums of a whole network against exact fractions, and what the messages of 1.10 say."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils import plots
from labs.mcu_compression import quantization, requantization, requantization_pictures
from labs.mcu_compression.checks import requantization as checks
from labs.mcu_compression.checks import roundings
from labs.mcu_compression.integer import fixed_point
from labs.mcu_compression.integer.from_torch import integer_network
from labs.shared import keywords, networks

INT32 = st.integers(-(2**31), 2**31 - 1)
MULTIPLIERS = st.integers(2**30, 2**31 - 1)
HALF = Fraction(1, 2)


def twice(total: int, multiplier: int, shift: int) -> int:
    """The definition of exercise 1.10 in fractions."""
    raised = Fraction(total * multiplier) * Fraction(2) ** (max(shift, 0) - 31)
    quotient = math.floor(raised + HALF) * Fraction(2) ** min(shift, 0)
    return int(math.copysign(math.floor(abs(quotient) + HALF), quotient))


@given(total=INT32, multiplier=MULTIPLIERS, shift=st.integers(-31, 0))
def test_the_library_is_the_definition_of_the_exercise(total, multiplier, shift):
    found = fixed_point.scaled(np.array([total]), multiplier, shifts=shift)
    assert found.tolist() == [twice(total, multiplier, shift)]


@pytest.fixture(scope="module")
def small():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(12, 1, 49, 10, generator=generator)
    network = networks.ds_cnn(width=0.125, seed=0)
    quantized = quantization.quantize_network(network, features, weight_bits=8)
    return quantized, integer_network(quantized), features


def test_codes_of_all_sums_are_those_of_the_network(small):
    _, network, features = small
    found = requantization.layer_sums(network, requantization.input_codes(network, features[:2]))
    assert [each.layer.name for each in found] == [
        layer.name for layer in network.layers if layer.name != "average"
    ]

    def library(sums, multipliers, shifts, zero_point):
        return fixed_point.clamped(
            fixed_point.scaled(sums, multipliers, shifts=shifts) + zero_point
        )

    same = requantization.partings(found, lambda each: each.requantized(library))
    assert [each.different for each in same] == [0] * len(found)


def test_one_rounding_is_the_exact_product_rounded(small):
    _, network, features = small
    found = requantization.layer_sums(network, requantization.input_codes(network, features[:1]))
    for each in found:
        codes = requantization.rounded_once(each)
        sums = each.sums.reshape(-1, each.sums.shape[-1])[0]
        pairs = zip(each.layer.multipliers.tolist(), each.layer.shifts.tolist(), strict=True)
        for total, (multiplier, shift), code in zip(
            sums.tolist(), pairs, codes.reshape(-1, codes.shape[-1])[0].tolist(), strict=True
        ):
            exact = math.floor(Fraction(total * multiplier) * Fraction(2) ** (shift - 31) + HALF)
            want = min(max(exact + each.zero_point, each.layer.low), each.layer.high)
            assert code == want
        assert np.abs(codes.astype(int) - each.codes).max() <= 1


def test_factor_rows_count_what_is_written_alike(small):
    quantized, network, features = small
    found = requantization.layer_sums(network, requantization.input_codes(network, features[:1]))
    factors = requantization.real_factors(quantized)
    for function, same in (
        (fixed_point.multiplier_and_shift, "8 of 8"),
        (lambda _: (1, 2), "0 of 8"),
    ):
        rows = requantization.factor_rows(found, factors, multiplier_and_shift=function)
        assert rows[0]["as yours"] == same


def test_whole_numbers_answer_as_floats_do(small):
    quantized, network, _ = small
    clips = keywords.load_clips("keywords_synthetic", "val")
    found = requantization.beside_floats(
        network, quantized, clips=clips, features=clips.features(), rng=np.random.default_rng(0)
    )
    assert found.clips == min(len(clips.labels), requantization.MOST_CLIPS)
    assert found.same >= 0.9 * found.clips
    assert found.row("toy")["same answer"] == f"{found.same} of {found.clips} clips"


def test_the_picture_has_a_bar_for_each_layer():
    _, axes = plots.new_figure(wide=True)
    rows = [requantization.Parting("a", 1000, 3), requantization.Parting("b", 500, 0)]
    drawn = requantization_pictures.partings(axes, rows, title="three")
    assert [bar.get_width() for bar in axes.patches] == [3.0, 0.0]
    assert [row["different"] for row in drawn] == [3, 0]


@pytest.mark.parametrize(
    ("rounding", "said"),
    [
        (round, "a half went to the even number in the first rounding"),
        (math.floor, "a half went down with all else in the first rounding"),
    ],
)
def test_codes_without_a_shift_are_explained_by_the_first_rounding(rounding, said):
    cases = [(total, 3 * 2**29, 0) for total in (2, -2, 6, -6, 7)]
    codes = [rounding(Fraction(3 * total, 4)) for total, _, _ in cases]
    assert said in roundings.explanation(cases, codes, zero_point=0)


def test_what_nothing_explains_is_not_explained():
    assert roundings.explanation([(2, 2**30, -1)], [77], zero_point=0) == ""


def test_the_message_goes_through_the_steps():
    said = checks.steps((9, 3 * 2**29, -1), zero_point=10)
    assert said == (
        "9 * 1610612736 / 2^31 = 6.75, rounded 7; 7 / 2^1 = 3.5, rounded 4; "
        "plus 10 makes 14, the code 14"
    )
