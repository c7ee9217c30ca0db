"""Generated C computes what the reference computes, code for code: every stage, on every core."""

import functools
import importlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from labs.mcu_compression import bench, checkpoint, quantization
from labs.mcu_compression.c_code.generator import generate
from labs.mcu_compression.c_code.stages import PASSES, STAGES
from labs.mcu_compression.integer.from_torch import integer_network
from labs.shared import keywords, toolchain
from labs.shared.emulator import EmulationError, Machine

# The folder of tests has no __init__.py: its helpers are loaded by their place.
_spec = importlib.util.spec_from_file_location(
    "integer_networks", Path(__file__).parents[1] / "integer_networks.py"
)
random_networks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(random_networks)

PORTABLE = [key for key, stage in STAGES.items() if not stage.needs_dsp]
DSP = [key for key, stage in STAGES.items() if stage.needs_dsp]
CLIPS = 200
# M0+ has no 64-bit multiplication: the plain loops take it a tenth of a second a clip here.
BUNDLED = [
    *(("naive", core) for core in ("m0plus", "m3")),
    ("layout", "m3"),
    *((stage, core) for stage in DSP for core in ("m4", "m7", "m33")),
]


@pytest.fixture(autouse=True)
def _few_programs():
    """Programs of random networks are not compiled again: let go of them."""
    yield
    toolchain._compiled.cache_clear()


@functools.cache
def bundled():
    """The network of the lab in whole numbers, clips that it can be fed, and its answers."""
    clips = keywords.load_clips("keywords_synthetic", "val").features()[: CLIPS - 3]
    quantized = quantization.quantize_network(
        checkpoint.load_checkpoint(), clips[:64], weight_bits=8
    )
    network = integer_network(quantized, name="bundled")
    codes = network.codes(clips.numpy().transpose(0, 2, 3, 1))
    codes = np.concatenate([codes, random_networks.inputs_for(network)[-3:]])
    return network, codes, network.run(codes)


@pytest.mark.parametrize("stage", STAGES)
@given(network=random_networks.networks())
@settings(max_examples=50, deadline=None)
def test_random_networks_on_m4(stage, network):
    codes = random_networks.inputs_for(network)
    assert np.array_equal(bench.deploy(network, stage).run(codes), network.run(codes))


@pytest.mark.parametrize("stage", PORTABLE)
@given(network=random_networks.networks())
@settings(max_examples=25, deadline=None)
def test_random_networks_on_this_machine(stage, network):
    codes = random_networks.inputs_for(network)
    found = bench.run_on_host(generate(network, stage), codes)
    assert np.array_equal(found, network.run(codes))


@pytest.mark.parametrize("stage", PORTABLE)
@given(network=random_networks.networks())
@settings(max_examples=5, deadline=None)
def test_random_networks_on_the_smallest_core(stage, network):
    codes = random_networks.inputs_for(network)
    found = bench.deploy(network, stage, core="m0plus").run(codes)
    assert np.array_equal(found, network.run(codes))


@pytest.mark.parametrize(
    ("stage", "left_out"),
    [
        (stage.key, name)
        for stage in STAGES.values()
        for name in stage.switches
        if name not in {each.__name__ for each in stage.needs}
    ],
)
@given(network=random_networks.networks())
@settings(max_examples=8, deadline=None)
def test_random_networks_without_a_pass(stage, left_out, network):
    codes = random_networks.inputs_for(network)
    found = bench.deploy(network, stage, without=(left_out,)).run(codes)
    assert np.array_equal(found, network.run(codes))


@pytest.mark.parametrize(("stage", "core"), BUNDLED)
def test_bundled_network_on_every_core(stage, core):
    network, codes, want = bundled()
    assert len(codes) == CLIPS
    assert np.array_equal(bench.deploy(network, stage, core=core).run(codes), want)


@pytest.mark.parametrize("stage", PORTABLE)
def test_bundled_network_on_this_machine(stage):
    network, codes, want = bundled()
    assert np.array_equal(bench.run_on_host(generate(network, stage), codes), want)


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="no arm-none-eabi-gcc")
@pytest.mark.parametrize("stage", STAGES)
def test_another_compiler_gives_the_same_codes(stage):
    network, codes, want = bundled()
    source = generate(network, stage)
    program = toolchain.compile_c(source.text, "m4", compiler="gcc")
    found = bench.Deployed(source, program, Machine(program)).run(codes[-5:])
    assert np.array_equal(found, want[-5:])


@pytest.mark.parametrize("stage", DSP)
def test_simd_instructions_fail_on_a_core_without_them(stage):
    network, _, _ = bundled()
    program = toolchain.compile_c(generate(network, stage).text, "m4")
    with pytest.raises(EmulationError, match="M3"):
        Machine(program, core="m3").call("model_run")


def test_each_stage_takes_fewer_instructions():
    network, codes, _ = bundled()
    counts = {key: bench.deploy(network, key).profile(codes[0]).instructions for key in STAGES}
    assert list(counts.values()) == sorted(counts.values(), reverse=True)
    assert counts["naive"] > 2 * counts["layout"] > 3 * counts["simd"]


def test_instructions_of_layers_add_up():
    network, codes, _ = bundled()
    deployed = bench.deploy(network, "layout")
    whole = deployed.profile(codes[0])
    layers = deployed.profile_by_layer(codes[0])
    assert list(layers) == [layer.name for layer in network.layers]
    assert sum(layers.values()) + whole.by_function["model_run"] == whole.instructions


def test_a_pass_that_is_left_out_costs_instructions():
    network, codes, want = bundled()
    counts = {}
    for without in ((), PASSES):
        deployed = bench.deploy(network, "layout", without=without)
        assert np.array_equal(deployed.run(codes[-3:]), want[-3:])
        counts[without] = deployed.profile(codes[0]).instructions
    assert counts[PASSES] > 1.1 * counts[()]
