"""C against the references: bit for bit in whole numbers, within a bound in float32."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from course_utils import data
from labs.seminar.inference_performance import bounds, c_network, network
from labs.seminar.inference_performance.given import layer_bound
from labs.seminar.inference_performance.int8_network import quantized
from labs.shared.emulator import Machine
from labs.shared.toolchain import compile_c

# The folder of tests has no __init__.py: its helpers are loaded by their place.
_spec = importlib.util.spec_from_file_location("networks", Path(__file__).with_name("networks.py"))
networks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(networks)


TEST = data.load("digits", split="test")
PIXELS = network.pixels_of(TEST.x)


@pytest.fixture(scope="module")
def whole():
    return c_network.CompiledNetwork(c_network.int8_text(networks.learnt()[2]))


@pytest.fixture(scope="module")
def floating():
    return c_network.CompiledNetwork(c_network.float_text(networks.learnt()[1]))


def test_whole_numbers_are_those_of_the_reference(whole):
    small = networks.learnt()[2]
    assert (whole.logits(PIXELS) == small.sums(PIXELS)).all()
    assert (whole.classes(PIXELS) == small.classes(PIXELS)).all()


@examples(seed=st.integers(0, 10_000), most=st.sampled_from([1, 16, 255]))
@settings(max_examples=30, deadline=None)
def test_whole_numbers_on_random_pixels(whole, seed, most):
    pixels = networks.random_pixels(seed, count=8, most=most)
    assert (whole.logits(pixels) == networks.learnt()[2].sums(pixels)).all()


@pytest.mark.parametrize("optimize", ["-O0", "-O3"])
def test_another_network_and_other_optimisations(optimize):
    small = quantized(networks.random_layers(4, size=30.0), networks.random_pixels(5, count=40))
    pixels = networks.random_pixels(6, count=50, most=255)
    compiled = c_network.CompiledNetwork(c_network.int8_text(small), optimize=optimize)
    assert (compiled.logits(pixels) == small.sums(pixels)).all()


def test_float_c_is_within_the_bound_of_pytorch(floating):
    model, layers, small = networks.learnt()
    found = bounds.score_range(layers, small, pixels=PIXELS, layer_bound=layer_bound)
    in_c, in_torch = floating.logits(TEST.x), network.logits_of(model, TEST.x)
    assert (np.abs(in_c - found.exact) <= found.float32_error).all()
    assert (np.abs(in_c.astype(float) - in_torch) <= 2 * found.float32_error).all()
    first, second = np.sort(in_torch, axis=1)[:, [-1, -2]].T
    is_clear = first - second > 4 * found.float32_error.max(axis=1)
    assert is_clear.mean() > 0.9
    same = floating.classes(TEST.x) == in_torch.argmax(axis=1)
    assert same[is_clear].all()


@pytest.mark.parametrize("core", ["m0plus", "m4"])
def test_a_microcontroller_gives_the_same_bits(core, whole, floating):
    _, layers, small = networks.learnt()
    for text, host, images, kind in (
        (c_network.int8_text(small), whole, PIXELS, np.int32),
        (c_network.float_text(layers), floating, TEST.x, np.float32),
    ):
        machine = Machine(compile_c(c_network.device_text(text), core))
        for place in (0, 100, 354):
            machine.write("image", images[place])
            machine.call("model_run")
            want = host.logits(images[place : place + 1])[0]
            assert (machine.read("logits", kind, 10) == want).all()
        address = machine.address("image")
        assert machine.call("network_class", address) == want.argmax()


def test_of_equal_scores_the_first_wins():
    layers = [
        network.Layer(np.zeros_like(layer.weights), np.zeros_like(layer.biases))
        for layer in networks.random_layers(0)
    ]
    compiled = c_network.CompiledNetwork(c_network.float_text(layers))
    assert compiled.classes(np.ones((3, 64), dtype=np.float32)).tolist() == [0, 0, 0]


def test_pictures_of_another_type_are_refused(whole, floating):
    with pytest.raises(ValueError, match="give uint8 with 64 each"):
        whole.logits(TEST.x)
    with pytest.raises(ValueError, match="give float32 with 64 each"):
        floating.classes(np.zeros((2, 32), dtype=np.float32))
    strided = np.repeat(PIXELS[:4], 2, axis=1)[:, ::2]
    assert (whole.classes(strided) == whole.classes(PIXELS[:4])).all()
    assert whole.classes(PIXELS[:0]).shape == (0,)


def test_a_weight_that_is_no_number_is_refused():
    first, second, last = networks.random_layers(0)
    last.weights[0, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        c_network.float_text((first, second, last))
