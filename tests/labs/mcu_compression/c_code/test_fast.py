"""The fastest stage: when it is exact, what it leaves to the stage before, and what it takes."""

import dataclasses
import functools

import numpy as np
import pytest

from labs.mcu_compression import bench, checkpoint, quantization
from labs.mcu_compression.c_code import fast
from labs.mcu_compression.integer.from_torch import integer_network
from labs.mcu_compression.integer.layers import Convolution, Tensor
from labs.mcu_compression.integer.network import IntegerNetwork
from labs.mcu_compression.integer.passes import fold_zero_points
from labs.shared import keywords
from labs.shared.toolchain import find_compiler

MOST_INSTRUCTIONS, MOST_FLASH, MOST_ARENA = 5_700_000, 31_500, 8_800
# Exact, so any other number is news: another compiler, or another kernel.
PINNED = {"zig 0.17.1": 3_438_516}


@functools.cache
def keyword_spotter():
    features = keywords.load_clips("keywords_synthetic", "val").features()[:64]
    network = quantization.quantize_network(checkpoint.load_checkpoint(), features, weight_bits=8)
    found = integer_network(network, name="keyword spotter")
    return found, found.codes(features[:1].numpy().transpose(0, 2, 3, 1))


def pointwise(weights, *, shift=-8, biases=(0, 0), low=-128, zero=0):
    """A network of one pointwise layer on 2 x 2 places."""
    weights = np.asarray(weights, dtype=np.int8)
    outputs, inputs = weights.shape
    layer = Convolution(
        "pointwise",
        (0,),
        1,
        weights=weights.reshape(outputs, 1, 1, inputs),
        biases=np.asarray(biases, dtype=np.int32),
        multipliers=np.full(outputs, 2**30 + 12345, dtype=np.int32),
        shifts=np.full(outputs, shift, dtype=np.int32),
        input_zero_point=0,
        low=low,
    )
    tensors = Tensor("x", (2, 2, inputs), 1.0, 0), Tensor("y", (2, 2, outputs), 1.0, zero)
    return IntegerNetwork("one", tensors, (layer,), 0, 1)


def codes_for(network, seed=0):
    rng = np.random.default_rng(seed)
    shape = network.tensors[0].shape
    ends = [np.full(shape, code, dtype=np.int8) for code in (-128, 127)]
    return np.stack([*rng.integers(-128, 128, (4, *shape)).astype(np.int8), *ends])


def test_two_weights_in_a_half_word_add_up_to_both_sums():
    """x times 256 a + b, less x times b, is 256 times x times a: also where b borrows from a."""
    rng = np.random.default_rng(1)
    weights = rng.integers(-127, 128, (2, 8)).astype(np.int8)
    x = rng.integers(-128, 128, 8)
    (words,) = fast.paired(weights, 8).astype(np.int64)
    order = [0, 2, 1, 3, 4, 6, 5, 7]
    low = words.astype(np.int16).view(np.int8)[0::2].astype(np.int64)  # what SXTB16 keeps
    both, second = x[order] @ words, x[order] @ low
    assert second == x @ weights[1]
    assert (both - second) % 256 == 0
    assert (both - second) // 256 == x @ weights[0]


def test_a_channel_that_always_rounds_to_nothing_gets_no_factor():
    network = pointwise([[1, 2, 3, 4], [100, 0, 0, 0]], shift=-15)
    (layer,) = network.layers
    short = fast.shortened(layer)
    # Sums reach 128 * 10 and 128 * 100; the factor is 2**-16.
    assert short.multipliers.tolist() == [0, 0]
    busy = fast.shortened(dataclasses.replace(layer, shifts=layer.shifts + 4))
    assert busy.multipliers[1] == layer.multipliers[1]


@pytest.mark.parametrize(("bias", "shift"), [(1, -1), (2, -2), (-2, -2)])
def test_a_channel_that_two_roundings_carry_to_a_step_is_not_dead(bias, shift):
    """Say 2 times 0.2: 0.8 * 2 is rounded to 2, and 2 / 4 to 1, though 0.4 is nearer to 0."""
    network = pointwise([[0, 0, 0, 0], [1, 0, 0, 0]], shift=shift, biases=(bias, 0))
    multipliers = np.full(2, round(0.8 * 2**31), dtype=np.int32)
    layers = (dataclasses.replace(network.layers[0], multipliers=multipliers),)
    network = dataclasses.replace(network, layers=layers)
    codes = codes_for(network)
    want = network.run(codes)
    assert set(want[..., 0].flat) == {np.sign(bias)}
    assert np.array_equal(bench.deploy(network, "fast").run(codes), want)


@pytest.mark.parametrize(
    ("changed", "is_exact"),
    [
        ({}, True),
        ({"shift": 0}, True),
        ({"shift": 1}, False),  # a shift to the left
        ({"biases": (2**30, 0)}, False),  # doubled it leaves 32 bits
        ({"biases": (2**29, 0)}, True),
        ({"low": 0, "zero": 0}, True),
        ({"low": -20, "zero": 7}, True),
    ],
)
def test_what_is_not_exact_is_left_to_the_stage_before(changed, is_exact):
    network = pointwise([[1, -2, 3, 127], [-127, 5, 6, 7]], **changed)
    (layer,) = fold_zero_points(network).layers
    assert fast.is_exact(fast.shortened(layer)) == is_exact
    if abs(changed.get("biases", (0,))[0]) < 2**30:
        deployed = bench.deploy(network, "fast")
        assert any("multiply_four" in name for name in deployed.program.functions) == is_exact
        codes = codes_for(network)
        assert np.array_equal(deployed.run(codes), network.run(codes))


def test_a_weight_of_minus_128_has_no_room_beside_another():
    network = pointwise([[-128, 1, 1, 1], [-1, 1, 1, 1]])
    assert not fast.is_exact(network.layers[0])
    codes = codes_for(network)
    assert np.array_equal(bench.deploy(network, "fast").run(codes), network.run(codes))


@pytest.mark.parametrize("zero", [-128, -5])
def test_short_requantisation_rounds_as_the_long_one(zero):
    """Sums that fall on halves, of both signs: with a limit at the zero point and without."""
    for low in {zero, -128}:
        network = pointwise([[4, 0, 0, 0], [0, 1, 0, 0]], shift=-2, low=low, zero=zero)
        network = dataclasses.replace(
            network,
            layers=tuple(
                dataclasses.replace(each, multipliers=np.array([2**30] * 2, dtype=np.int32))
                for each in network.layers
            ),
        )
        every = np.arange(-128, 128, dtype=np.int8)
        codes = np.zeros((64, 2, 2, 4), dtype=np.int8)
        codes[..., 0] = codes[..., 1] = every.reshape(64, 2, 2)
        want = network.run(codes)
        assert len(np.unique(want[..., 0])) > len(np.unique(want[..., 1])) > 30 or low == zero
        assert np.array_equal(bench.deploy(network, "fast").run(codes), want)


def test_the_keyword_spotter_is_small_and_quick():
    network, codes = keyword_spotter()
    deployed = bench.deploy(network, "fast")
    profile = deployed.profile(codes[0])
    assert profile.instructions <= MOST_INSTRUCTIONS
    assert deployed.flash_bytes <= MOST_FLASH
    assert deployed.arena_bytes <= MOST_ARENA
    assert np.array_equal(deployed.run(codes), network.run(codes))


def test_the_count_is_the_same_every_time_and_as_pinned():
    network, codes = keyword_spotter()
    counts = {bench.deploy(network, "fast").profile(codes[0]).instructions for _ in range(2)}
    assert len(counts) == 1
    known = PINNED.get(find_compiler().name)
    if known is None:
        pytest.skip(f"no count is pinned for {find_compiler().name}")
    assert counts == {known}
