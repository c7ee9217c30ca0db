"""The network in whole numbers against loops over Python's integers."""

import importlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from course_utils import data
from labs.seminar.inference_performance import network
from labs.seminar.inference_performance.int8_network import fixed_point, quantized

# The folder of tests has no __init__.py: its helpers are loaded by their place.
_spec = importlib.util.spec_from_file_location("networks", Path(__file__).with_name("networks.py"))
networks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(networks)


def sums_by_loops(small, pixels) -> list[int]:
    """The scores of one picture in Python's integers, which cannot overflow."""
    planes = [[[int(pixels[8 * y + x]) for x in range(8)] for y in range(8)]]
    for layer in small.layers[:2]:
        side, made = len(planes[0]), []
        for out, weights in enumerate(layer.weights.tolist()):
            codes = {}
            for y in range(side):
                for x in range(side):
                    total = int(layer.biases[out])
                    for i, weight in enumerate(weights):
                        channel, dy, dx = i // 9, i % 9 // 3 - 1, i % 3 - 1
                        if 0 <= y + dy < side and 0 <= x + dx < side:
                            total += weight * planes[channel][y + dy][x + dx]
                    assert abs(total) < 2**31
                    factor = Fraction(int(layer.multipliers[out]), 2 ** int(layer.shifts[out]))
                    codes[y, x] = min(255, int(max(0, total) * factor + Fraction(1, 2)))
            made.append(
                [
                    [
                        max(codes[2 * y + i, 2 * x + j] for i in (0, 1) for j in (0, 1))
                        for x in range(side // 2)
                    ]
                    for y in range(side // 2)
                ]
            )
        planes = made
    flat = [code for plane in planes for line in plane for code in line]
    last = small.layers[2]
    return [
        int(bias) + sum(w * code for w, code in zip(row, flat, strict=True))
        for bias, row in zip(last.biases, last.weights.tolist(), strict=True)
    ]


@pytest.mark.parametrize("most", [16, 255])
def test_sums_are_those_of_loops(most):
    small = quantized(networks.random_layers(1), networks.random_pixels(2, count=30))
    pixels = networks.random_pixels(3, count=2, most=most)  # beyond 16 codes are clipped
    got = small.sums(pixels)
    assert got.dtype == np.int32
    assert got.tolist() == [sums_by_loops(small, each) for each in pixels]
    assert small.classes(pixels).tolist() == got.argmax(axis=1).tolist()


def test_weights_are_symmetric_and_within_half_a_step():
    _, layers, small = networks.learnt()
    for layer, whole in zip(layers, small.layers, strict=True):
        assert np.abs(whole.weights.astype(int)).max() == 127
        off = np.abs(layer.weights - whole.weight_scales[:, None] * whole.weights)
        assert (off <= whole.weight_scales[:, None] * (0.5 + 1e-12)).all()
        # Of the first two layers each output uses its whole range.
        if whole.output_scale:
            assert (np.abs(whole.weights.astype(int)).max(axis=1) == 127).all()
    assert np.ptp(small.layers[2].weight_scales) == 0
    assert small.size_bytes == 72 + 1152 + 640 + 4 * (8 + 16 + 10) + 5 * (8 + 16)


def test_few_digits_change_their_class():
    model, _, small = networks.learnt()
    digits = data.load("digits", split="val")
    before = network.logits_of(model, digits.x).argmax(axis=1)
    same = small.classes(network.pixels_of(digits.x)) == before
    assert same.mean() > 0.95


@examples(factor=st.floats(2.0**-32, 2.0**29, exclude_max=True))
@settings(max_examples=100, deadline=None)
def test_multipliers_have_31_bits(factor):
    (multiplier,), (shift,) = (x.tolist() for x in fixed_point([factor]))
    assert 2**30 <= multiplier < 2**31
    assert 1 <= shift <= 62
    # Half a unit in the last of 31 bits, relative to the smallest multiplier.
    assert abs(Fraction(multiplier, 2**shift) / Fraction(factor) - 1) <= Fraction(1, 2**31)


def test_a_factor_just_below_a_power_of_two_carries():
    multipliers, shifts = fixed_point([np.nextafter(1.0, 0)])
    assert (multipliers.tolist(), shifts.tolist()) == ([2**30], [30])


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="factors are"):
        fixed_point([2.0**-40])
    first, second, last = networks.random_layers(0)
    huge = network.Layer(first.weights, np.full(8, 1e9, dtype=np.float32))
    with pytest.raises(ValueError, match="more than 32 bits hold"):
        quantized((huge, second, last), networks.random_pixels(0, count=2))


def test_a_layer_that_is_always_zero():
    layers = [
        network.Layer(np.zeros_like(layer.weights), np.zeros_like(layer.biases))
        for layer in networks.random_layers(0)
    ]
    pixels = networks.random_pixels(0, count=3)
    assert not quantized(layers, pixels).sums(pixels).any()
