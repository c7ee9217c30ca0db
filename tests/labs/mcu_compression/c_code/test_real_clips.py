"""The lab's network in 8 bits, on clips of real speech: every core gives the reference's codes."""

import functools
import os

import numpy as np
import pytest

from labs.mcu_compression import bench, checkpoint, quantization
from labs.mcu_compression.c_code.generator import generate
from labs.mcu_compression.integer.from_torch import integer_network
from labs.shared import keywords

CLIPS = 200
MACHINES = [("fast", "m4"), ("fast", "m7"), ("fast", "m33"), ("naive", "m3"), ("naive", "m0plus")]

pytestmark = pytest.mark.skipif(
    "COURSE_DATA" not in os.environ, reason="needs real speech: set COURSE_DATA"
)


@functools.cache
def real():
    """The network, quantised on real training clips; codes of 200 test clips; what they give."""
    training = keywords.load_clips("speech_commands", "train").features()[:100]
    features = keywords.load_clips("speech_commands", "test").features()
    quantized = quantization.quantize_network(checkpoint.load_checkpoint(), training, weight_bits=8)
    network = integer_network(quantized, name="real speech")
    chosen = features[np.random.default_rng(0).permutation(len(features))[:CLIPS]]
    codes = network.codes(chosen.numpy().transpose(0, 2, 3, 1))
    return network, codes, network.run(codes)


@pytest.mark.parametrize(("stage", "core"), MACHINES)
def test_every_core_gives_the_codes_of_the_reference(stage, core):
    network, codes, want = real()
    assert len(codes) == CLIPS
    assert np.array_equal(bench.deploy(network, stage, core=core).run(codes), want)


def test_this_machine_gives_the_codes_of_the_reference():
    network, codes, want = real()
    assert np.array_equal(bench.run_on_host(generate(network, "naive"), codes), want)
