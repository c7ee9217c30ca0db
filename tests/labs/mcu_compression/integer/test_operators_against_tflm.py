"""Every operator against TensorFlow Lite for Microcontrollers: equal codes, whatever the network.

Random small networks are written as .tflite files; TFLM's interpreter, the reference in NumPy and
the generated C get the same file and the same inputs.
"""

import dataclasses

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from labs.mcu_compression import bench
from labs.mcu_compression.c_code.generator import generate
from labs.mcu_compression.c_code.stages import STAGES
from labs.mcu_compression.integer import softmax
from labs.mcu_compression.integer.tflite_file import network_of

SIZES = st.tuples(st.integers(1, 4), st.integers(1, 4))
STEPS = st.tuples(st.integers(1, 3), st.integers(1, 3))
ACTIVATIONS = st.integers(0, 3)
KINDS = ("conv", "depthwise", "max", "average", "pad", "residual")


@st.composite
def networks(draw, chain):
    """A chain of up to four operators on images, then perhaps mean, linear and softmax."""
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 7), st.integers(1, 6)))
    made = chain(shape, seed=draw(st.integers(0, 2**32)))
    for kind in draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4)):
        grow(draw, made, kind)
    if draw(st.booleans()):
        made.mean()
    if draw(st.booleans()):
        made.flat().linear(draw(st.integers(1, 9)), activation=draw(ACTIVATIONS))
    if draw(st.booleans()):
        made.linear(draw(st.integers(2, 12)), per_channel=draw(st.booleans()))
        made.softmax(beta=draw(st.floats(0.3, 3)))
    return made


def grow(draw, made, kind):
    height, width = made.shape[:2]
    (rows, columns), stride, activation = draw(SIZES), draw(STEPS), draw(ACTIVATIONS)
    size = (min(rows, height), min(columns, width))
    options = {"same": draw(st.booleans()), "activation": activation}
    if kind == "conv":
        made.conv(draw(st.integers(1, 7)), size, stride, per_channel=draw(st.booleans()), **options)
    elif kind == "depthwise":
        made.depthwise(draw(st.integers(1, 3)), size, stride, **options)
    elif kind == "pad":
        made.pad(*draw(st.tuples(*[st.integers(0, 2)] * 4)))
    elif kind == "residual":
        made.residual(activation=activation)
    else:
        made.pool(kind, size, stride, **options)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_numpy_computes_what_tflm_computes(chain, oracle, data):
    made = data.draw(networks(chain))
    content, codes = made.content(), made.clips()
    np.testing.assert_array_equal(network_of(content).run(codes), oracle(content, codes))


# Shrinking would compile for minutes; the test above shrinks what concerns the arithmetic.
@settings(deadline=None, max_examples=10, phases=set(Phase) - {Phase.shrink, Phase.explain})
@given(data=st.data())
def test_c_computes_what_numpy_computes(chain, data):
    made = data.draw(networks(chain))
    codes = made.clips()
    network = network_of(made.content())
    want = network.run(codes)
    np.testing.assert_array_equal(bench.deploy(network).run(codes), want)
    np.testing.assert_array_equal(bench.run_on_host(generate(network), codes), want)


def test_factors_above_one(chain, oracle):
    """A sum is then shifted to the left before it is multiplied."""
    made = chain((8, 8, 1), seed=0)
    scale = float(made.scale)
    w = made.tensor((3, 1, 1, 1), scale=[1.7, 3.3, 40.0], data=np.array([[1, -1, 2]], np.int8).T)
    b = made.tensor((3,), data=np.array([3, 0, -300], np.int32))
    fields = {"dilationHFactor": 1, "dilationWFactor": 1, "strideH": 1, "strideW": 1}
    made.append(
        "CONV_2D", [made.at, w, b], (8, 8, 3), "Conv2DOptions", scale=scale, zero=7, **fields
    )
    codes, network = made.clips(20), network_of(made.content())
    assert network.layers[0].shifts.tolist() == [1, 2, 6]
    want = oracle(made.content(), codes)
    np.testing.assert_array_equal(network.run(codes), want)
    np.testing.assert_array_equal(bench.deploy(network).run(codes), want)


@pytest.fixture(scope="module")
def everything(chain):
    """A network with every operator."""
    made = chain((11, 9, 3), seed=6)
    made.pad(1, 0, 2, 1).conv(6, (3, 2), (2, 1), activation=3).residual(activation=1)
    made.depthwise(2, (3, 3), (1, 1)).pool("max", (2, 2), (1, 1), same=False)
    made.pool("average", (3, 2), (1, 1)).pool("max", (2, 3), (1, 2)).mean().flat()
    return made.linear(7, per_channel=True).softmax(beta=0.5)


@pytest.mark.parametrize("core", ["m0plus", "m3", "m4", "m7", "m33"])
def test_every_operator_on_every_core(everything, oracle, core):
    codes = everything.clips()
    network = network_of(everything.content())
    want = oracle(everything.content(), codes)
    np.testing.assert_array_equal(bench.deploy(network, core=core).run(codes), want)


def test_layers_write_over_their_inputs_unless_these_are_read_again(chain, monkeypatch):
    here = dataclasses.replace(STAGES["naive"], key="here", is_in_place=True)
    monkeypatch.setitem(STAGES, "here", here)
    made = chain((12, 9, 3), seed=1)
    made.conv(6, (3, 3), (1, 1)).pool("max", (2, 2), (1, 1), same=False)
    made.pool("average", (1, 2), (1, 1)).residual().mean().flat().softmax().linear(4)
    codes, network = made.clips(), network_of(made.content())
    placed, apart = bench.deploy(network, "here"), bench.deploy(network)
    np.testing.assert_array_equal(placed.run(codes), network.run(codes))
    assert placed.arena_bytes < apart.arena_bytes


@pytest.mark.parametrize("classes", [1, 2, 12, softmax.LONGEST_ROW])
@pytest.mark.parametrize("scale", [1e-4, 0.02, 0.1, 1.0, 9.0, 17.0, 60.0])
def test_softmax_alone(chain, oracle, classes, scale):
    """Short and long rows; differences that all count, and ones that leave the table's reach."""
    made = chain((classes,), seed=classes)
    made.tensors[0].quantization.scale = [scale]
    made.softmax()
    codes = np.concatenate([made.clips(20), np.sort(made.clips(5), axis=-1) // 16])
    got = network_of(made.content()).run(codes)
    np.testing.assert_array_equal(got, oracle(made.content(), codes))


def test_softmax_is_close_to_the_real_one():
    """Half a step from rounding, and what 2**-31 in each exponential leaves: far below a step."""
    codes = np.random.default_rng(0).integers(-128, 128, (200, 12)).astype(np.int8)
    powers = np.exp(0.05 * codes.astype(float))
    want = np.minimum(256 * powers / powers.sum(1, keepdims=True) - 128, 127)
    got = softmax.softmax(codes, softmax.exponentials(0.05))
    assert np.abs(got - want).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("scale", [0.0, 2.0**-26, float("nan")])
def test_softmax_refuses_scales_that_it_cannot_hold(scale):
    with pytest.raises(ValueError, match="scale is"):
        softmax.exponentials(scale)
