"""Bounds on what quantisation changes, against what it changed."""

import importlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from course_utils import data
from labs.seminar.inference_performance import bounds, network, splits
from labs.seminar.inference_performance.given import layer_bound
from labs.seminar.inference_performance.int8_network import Int8Layer, fixed_point, quantized

# The folder of tests has no __init__.py: its helpers are loaded by their place.
_spec = importlib.util.spec_from_file_location("networks", Path(__file__).with_name("networks.py"))
networks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(networks)


def test_no_digit_changes_more_than_its_bound():
    model, layers, small = networks.learnt()
    digits = data.load("digits", split="test")
    pixels = network.pixels_of(digits.x)
    before, after = network.logits_of(model, digits.x), small.logits(pixels)
    found = bounds.score_range(layers, small, pixels=pixels, layer_bound=layer_bound)
    assert (np.abs(after - before) <= found.change).all()
    assert (np.abs(after - found.exact) <= found.int8_error).all()
    assert (np.abs(before - found.exact) <= found.float32_error).all()
    classes = before.argmax(axis=1)
    sure = splits.certified(found.low, found.high, classes=classes)
    assert (after.argmax(axis=1) == classes)[sure].all()
    assert sure.mean() > 0.1  # a bound that certifies nothing would pass all of the above
    # Float32 adds little to what whole numbers change.
    assert (found.float32_error < found.int8_error / 100).all()


@examples(seed=st.integers(0, 1000), size=st.sampled_from([0.1, 1.0, 5.0]))
@settings(max_examples=12, deadline=None)
def test_pictures_beyond_those_that_set_the_scales(seed, size):
    """Pixels up to 255 where scales come from 0 to 4: most codes are clipped."""
    layers = networks.random_layers(seed, size=size)
    small = quantized(layers, networks.random_pixels(seed + 1, count=5, most=4))
    for most in (4, 255):
        pixels = networks.random_pixels(seed + 2, count=3, most=most)
        found = bounds.score_range(layers, small, pixels=pixels, layer_bound=layer_bound)
        assert (np.abs(small.logits(pixels) - found.exact) <= found.int8_error).all()
        in_float32 = float32_logits(layers, pixels)
        assert (np.abs(in_float32 - found.exact) <= found.float32_error).all()


def float32_logits(layers, pixels):
    """The network in float32, added up one by one, last input first."""
    values = pixels.reshape(-1, 1, 8, 8).astype(np.float32) / np.float32(16)
    for layer in layers[:2]:
        places = network.patches(values)
        sums = np.zeros((*places.shape[:2], len(layer.weights)), dtype=np.float32)
        for i in range(places.shape[2])[::-1]:
            sums += places[:, :, i, None] * layer.weights[:, i]
        values = network.pooled(network.as_images(np.maximum(sums + layer.biases, 0)))
    assert values.dtype == np.float32
    return values.reshape(len(values), -1) @ layers[2].weights.T + layers[2].biases


def test_the_function_is_called_for_every_place():
    _, layers, small = networks.learnt()
    shapes = []

    def counted(weights, weight_error, inputs, input_error):
        shapes.append(weights.shape)
        assert weight_error.shape == weights.shape
        assert inputs.shape == input_error.shape == weights.shape[1:]
        return layer_bound(weights, weight_error, inputs, input_error).tolist()

    bounds.score_range(
        layers, small, pixels=networks.random_pixels(0, count=2), layer_bound=counted
    )
    assert [shapes.count(shape) for shape in ((8, 9), (16, 72), (10, 64))] == [128, 32, 2]


@examples(
    value=st.floats(-4, 4),
    error=st.floats(0, 3),
    at=st.floats(-1, 1),
    step=st.floats(1e-3, 0.1),
    bits=st.sampled_from([3, 31]),
)
@settings(max_examples=200, deadline=None)
def test_relu_and_rounding_by_exact_fractions(value, error, at, step, bits):
    """Any sum within its error, ReLU and code taken in fractions, is within the bound."""
    unit = 1e-3
    multipliers, shifts = fixed_point([unit / step])
    multipliers = multipliers >> (31 - bits) << (31 - bits)  # with 3 bits they are well off
    layer = Int8Layer(
        np.zeros((1, 1), np.int8),
        np.zeros(1, np.int32),
        weight_scales=np.array([unit]),
        input_scale=1.0,
        output_scale=step,
        multipliers=multipliers,
        shifts=shifts,
    )
    whole = round((value + at * error) / unit)
    if abs(Fraction(whole) * Fraction(unit) - Fraction(value)) > Fraction(error):
        return
    activations, off = bounds.after_relu(np.array([value]), np.array([error]))
    bound = bounds.after_rounding(activations, off, layer=layer)
    code = layer.codes(np.array([whole], dtype=np.int32))
    assert abs(int(code[0]) * Fraction(step) - Fraction(activations[0])) <= Fraction(bound[0])


@examples(seed=st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_pooling(seed):
    rng = np.random.default_rng(seed)
    values, errors = rng.normal(size=(1, 2, 4, 4)), rng.exponential(size=(1, 2, 4, 4))
    largest, off = bounds.after_pooling(values, errors)
    for at in (-1, 1, rng.uniform(-1, 1, values.shape)):
        moved = network.pooled(values + at * errors)
        assert (np.abs(moved - largest) <= off + 1e-12).all()
    assert (off <= network.pooled(errors) + 1e-12).all()


def test_weights_of_zero_leave_the_error_of_the_bias():
    first, second, last = networks.random_layers(0)
    biases = np.linspace(-1, 1, 10).astype(np.float32) / 3
    layers = (first, second, network.Layer(np.zeros_like(last.weights), biases))
    small = quantized(layers, networks.random_pixels(1, count=5))
    pixels = networks.random_pixels(2, count=1)
    found = bounds.score_range(layers, small, pixels=pixels, layer_bound=layer_bound)
    off = np.abs(small.logits(pixels) - biases)
    assert off.max() > 1e-6
    assert (off <= found.int8_error).all()
    assert found.int8_error == pytest.approx(off, abs=1e-12)
