"""Packed weights give the codes of the int8 reference, on this machine and on the cores."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from labs.mcu_compression import binary
from labs.mcu_compression.bench import run_on_host
from labs.mcu_compression.c_code.code import CodeError, Place
from labs.mcu_compression.c_code.generator import generate
from labs.mcu_compression.integer.from_torch import integer_network
from labs.mcu_compression.packed_weights import write_packed
from labs.shared.emulator import Machine
from labs.shared.networks import KEYWORD_SHAPE, ds_cnn
from labs.shared.toolchain import compile_c


def network_of(weights, width):
    features = 2 * torch.randn(40, *KEYWORD_SHAPE, generator=torch.Generator().manual_seed(0))
    made = binary.low_bit(ds_cnn(width=width, seed=3), weights=weights)
    binary.refresh_statistics(made, features)
    with torch.no_grad():  # a dead channel: its tiny weights get a level below 127
        made.blocks[1][4].weight[0], made.blocks[1][4].bias[0] = 1e-11, 0.5
    small = integer_network(binary.quantize(made, features))
    return small, small.codes(features.permute(0, 2, 3, 1).numpy())


@pytest.mark.parametrize("weights", ["binary", "ternary"])
@pytest.mark.parametrize("width", [0.25, 0.55])  # 16 channels, and 35, an odd number in two words
def test_a_network_with_packed_weights_is_exact(weights, width):
    network, clips = network_of(weights, width)
    clips = np.concatenate([clips[:6], np.full_like(clips[:1], -128), np.full_like(clips[:1], 127)])
    names = [layer.name for layer in network.layers if layer.name.startswith("pointwise")]
    assert len(names) == 4
    levels = np.abs(network.layers[4].weights).reshape(len(network.layers[4].weights), -1).max(1)
    assert levels[0] < 127
    assert (levels[1:] == 127).all()
    source = generate(network, "naive", writers=dict.fromkeys(names, write_packed))
    want = network.run(clips)
    np.testing.assert_array_equal(run_on_host(source, clips), want)
    assert ("*mask" in source.text) == (weights == "ternary")
    assert "@" not in source.text
    for core in ("m4", "m0plus"):
        machine = Machine(compile_c(source.text, core))
        for clip, codes in zip(clips[-3:], want[-3:], strict=True):
            machine.write("model_input", clip)
            machine.call("model_run")
            np.testing.assert_array_equal(machine.read("model_output", np.int8, codes.shape), codes)


def test_packing_saves_flash():
    network, _ = network_of("binary", 0.55)
    writers = {layer.name: write_packed for layer in network.layers[2:9:2]}
    sizes = [
        compile_c(generate(network, "naive", writers=each).text).flash_bytes
        for each in (None, writers)
    ]
    # Four layers of 35 x 35 weights shrink from 8 bits to 64 bits a row; the code grows.
    assert sizes[0] - sizes[1] > 4 * (35 * 35 - 35 * 8) - 1024


def test_what_it_cannot_do_is_refused():
    network, _ = network_of("ternary", 0.25)

    def place(layer):
        return Place(layer, 0, (network.tensors[layer.inputs[0]],), network.tensors[layer.output])

    with pytest.raises(CodeError, match="depthwise 1: no pointwise layer"):
        write_packed(place(network.layers[1]))
    layer = network.layers[2]
    several = layer.weights.copy()
    several[0, 0, 0, :2] = 3, 127
    with pytest.raises(CodeError, match="pointwise 1: weights of several magnitudes"):
        write_packed(place(replace(layer, weights=several)))
    large = np.full_like(layer.biases, 2**31 - 1)
    with pytest.raises(CodeError, match="pointwise 1: sums leave 32 bits"):
        write_packed(place(replace(layer, biases=large)))
