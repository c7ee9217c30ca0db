"""Levers: one version measured the same way as the next, and what is not known left open."""

import dataclasses
import functools

import pytest

from labs.mcu_compression import bench, levers, training
from labs.mcu_compression.integer.from_torch import integer_network
from labs.mcu_compression.quantization import quantize_network
from labs.shared import keywords
from labs.shared.boards import BOARDS
from labs.shared.networks import ds_cnn


@functools.cache
def narrow():
    """A quarter of the channels, untrained, and the clips that it is examined on."""
    clips = keywords.load_clips("keywords_synthetic", "val")
    features = clips.features()
    quantized = quantize_network(ds_cnn(width=0.25).eval(), features, weight_bits=8)
    right = training.is_right(quantized, (features, clips.labels)).numpy()
    return integer_network(quantized), levers.Examination(clips, features, right)


def pulled(stage="fast", board="stm32l4r5"):
    network, examined = narrow()
    deployed = bench.deploy(network, stage, core=BOARDS[board].core)
    return levers.measure(deployed, examined, lever="code", name=stage, board=BOARDS[board])


def test_code_changes_what_it_costs_and_not_what_it_answers():
    plain, fast = pulled("naive"), pulled("fast")
    assert plain.top1 == fast.top1
    assert plain.loss == fast.loss
    assert plain.is_exact
    assert fast.is_exact
    assert plain.instructions > 3 * fast.instructions
    assert plain.ram_bytes > fast.ram_bytes


def test_cycles_become_time_and_energy_of_the_board():
    lever = pulled()
    board = BOARDS["stm32l4r5"]
    low, high = (1000 * cycles / board.clock_hz for cycles in lever.cycles)
    assert (lever.latency.low, lever.latency.high) == pytest.approx((low, high))
    least_uj = 1e3 * low * board.active_power_w[0]
    most_uj = 1e3 * high * board.active_power_w[1]
    assert (lever.energy.low, lever.energy.high) == pytest.approx((least_uj, most_uj))


def test_a_core_without_a_table_has_no_time():
    lever = pulled(board="stm32f746")
    assert (lever.cycles, lever.latency, lever.energy) == (None, None, None)
    (row,) = levers.table([lever]).rows
    assert (row["latency"], row["energy"]) == ("not known", "not known")


def test_a_program_for_another_core_is_refused():
    network, examined = narrow()
    deployed = bench.deploy(network, "naive")
    with pytest.raises(ValueError, match="has core m0plus, the program is for m4"):
        levers.measure(deployed, examined, lever="x", name="x", board=BOARDS["rp2040"])


def test_a_version_that_differs_on_a_clip_is_not_called_exact():
    lever = dataclasses.replace(pulled(), exact_clips=(7, 8))
    assert not lever.is_exact
    assert levers.table([lever]).rows[0]["exact"] == "7 of 8 clips"
