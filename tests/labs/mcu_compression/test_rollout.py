"""A small network on several cores, and the stand-ins of exercise 1.13 against all corners."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from course_utils import plots
from labs.mcu_compression import bench, board_pictures, quantization, rollout
from labs.mcu_compression.given import boards as given_boards
from labs.mcu_compression.integer.from_torch import integer_network
from labs.shared import networks
from labs.shared.boards import BOARDS

SHARES = st.floats(0.0, 1.0)


@pytest.fixture(scope="module")
def network():
    features = torch.randn(8, 1, 49, 10, generator=torch.Generator().manual_seed(0))
    made = networks.ds_cnn(width=0.125, seed=0)
    return integer_network(quantization.quantize_network(made, features, weight_bits=8))


@pytest.fixture(scope="module")
def clip():
    return np.zeros((49, 10, 1), dtype=np.int8)


def test_a_need_is_what_the_bench_says(network, clip):
    need = rollout.need_on(network, "m4", clip=clip)
    deployed = bench.deploy(network, rollout.fastest_stage("m4"))
    seen = deployed.profile(clip)
    assert (need.core, need.flash_bytes) == ("m4", deployed.flash_bytes)
    assert need.ram_bytes == deployed.program.ram_bytes + seen.stack_bytes
    assert (need.instructions, need.cycles) == (seen.instructions, seen.cycles)
    assert need.bytes_of == {"flash": need.flash_bytes, "RAM": need.ram_bytes}


def test_cores_that_share_code_are_measured_once_and_keep_their_silence(network, clip):
    measured = rollout.measure({0.125: network}, ["m7", "m33", "m4", "m0plus"], clip=clip)
    assert list(measured) == ["m4", "m0plus"]
    setting = {"width": 0.125, "bits": 8, "sparsity": 0.0}
    found = {core: rollout.footprint_on(measured, core, **setting) for core in ("m7", "m0plus")}
    assert found["m7"].flash.value == measured["m4"][0].flash_bytes
    assert "m7" not in found["m7"].cycles
    assert found["m0plus"].cycles["m0plus"] == measured["m0plus"][0].cycles["m0plus"]


def test_a_stage_for_simd_is_chosen_for_no_other_core():
    for core in ("m0plus", "m3"):
        assert not rollout.STAGES[rollout.fastest_stage(core)].needs_dsp


@pytest.mark.parametrize(
    ("latency_ms", "said"), [((50, 99), "yes"), ((50, 101), "perhaps not"), ((101, 200), "no")]
)
def test_a_verdict_says_what_is_short_and_late(latency_ms, said):
    need = rollout.Need("m4", "fast", 30_852, 9_368, 3_439_119, 900_000, (4.8e6, 5.2e6))
    board = BOARDS["stm32l053"]
    row = rollout.verdict(
        board, need, missing={"RAM": 1_176}, latency_ms=latency_ms, deadline_ms=100
    )
    assert row["within 100 ms"] == said
    assert row["short of"] == "1,176 B of RAM"


def test_boards_have_rows():
    (row,) = rollout.board_rows([BOARDS["nrf52840"]])
    assert (row["clock"], row["RAM"], row["computing"]) == ("64 MHz", "262,144 B", "9.9 to 19 mW")


@given(
    energy_j=st.tuples(st.floats(10, 1e5), st.floats(10, 1e5)),
    busy=st.tuples(SHARES, SHARES),
    per_s=st.floats(0.01, 100),
    active_w=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)),
    sleep_w=st.tuples(st.floats(1e-6, 0.01), st.floats(1e-6, 0.01)),
)
def test_days_reach_from_the_worst_corner_to_the_best(energy_j, busy, per_s, active_w, sleep_w):
    """Every end with every other, one latency for both shares: an oracle without any thought."""
    energy_j, active_w, sleep_w = (tuple(sorted(x)) for x in (energy_j, active_w, sleep_w))
    low, high = (1000 * share / per_s for share in sorted(busy))
    assume(high * per_s / 1000 <= 1)
    found = given_boards.battery_days(energy_j, (low, high), per_s, active_w, sleep_w)
    corners = [
        joule / (active * share + asleep * (1 - share)) / 86_400
        for joule, share, active, asleep in itertools.product(
            energy_j, [x * per_s / 1000 for x in (low, high)], active_w, sleep_w
        )
    ]
    assert found == pytest.approx((min(corners), max(corners)), rel=1e-9)


def test_the_stand_ins_refuse_and_find_what_is_short():
    with pytest.raises(ValueError, match="keep up"):
        given_boards.battery_days((1.0, 1.0), (50.0, 101.0), 10, (1.0, 1.0), (0.1, 0.1))
    assert given_boards.short_of({"flash": 9, "RAM": 5}, {"flash": 9, "RAM": 3}) == {"RAM": 2}
    assert given_boards.latency_ms((4_800_000, 5_200_000), 64e6) == (75.0, 81.25)


def test_the_picture_draws_each_band():
    _, axes = plots.new_figure()
    points = [(0.1, 10.0, 20.0), (1.0, 1.0, 2.0)]
    drawn = board_pictures.lifetimes(axes, {"a": points, "b": points}, title="two")
    assert len(axes.collections) == 2
    assert [row["days"] for row in drawn[:2]] == [(10.0, 20.0), (1.0, 2.0)]
