"""What the pictures of stages, layers and the arena draw, by numbers."""

import numpy as np
import pytest

from course_utils import plots
from labs.mcu_compression import chip_pictures
from labs.mcu_compression.integer.layers import Convolution, Linear, Pool, Tensor
from labs.mcu_compression.integer.memory_plan import MemoryPlan, plan_memory
from labs.mcu_compression.integer.network import IntegerNetwork
from labs.shared.published import PUBLISHED


def convolution(name, at, kernel, *, groups=1):
    weights = np.ones((4, *kernel, 4 // groups), np.int8)
    zeros = np.zeros(4, np.int32)
    return Convolution(
        name,
        (at,),
        at + 1,
        weights=weights,
        biases=zeros,
        multipliers=zeros,
        shifts=zeros,
        input_zero_point=0,
        padding=(1, 1, 1, 1) if kernel == (3, 3) else (0, 0, 0, 0),
        groups=groups,
    )


@pytest.fixture
def network():
    """Six layers on 2 x 2 places of 4 channels: conv, depthwise, two pointwise, pool, linear."""
    shapes = [(2, 2, 4)] * 5 + [(1, 1, 4), (3,)]
    tensors = tuple(Tensor(f"t{k}", shape, 1.0, 0) for k, shape in enumerate(shapes))
    zeros = np.zeros(3, np.int32)
    layers = (
        convolution("conv", 0, (3, 3)),
        convolution("depthwise", 1, (3, 3), groups=4),
        convolution("pointwise 1", 2, (1, 1)),
        convolution("pointwise 2", 3, (1, 1)),
        Pool("average", (4,), 5, "average", (2, 2), (1, 1)),
        Linear("linear", (5,), 6, np.ones((3, 4), np.int8), zeros, zeros, zeros, 0),
    )
    return IntegerNetwork("small", tensors, layers, 0, 6)


COUNTS = {
    "conv": 5_000,
    "depthwise": 900,
    "pointwise 1": 300,
    "pointwise 2": 320,
    "average": 40,
    "linear": 30,
}


@pytest.fixture
def axes():
    return plots.new_figure(wide=True)[1]


def test_layers_are_added_up_by_kind(network):
    assert chip_pictures.by_kind(network, COUNTS) == {
        "convolution": 5_000,
        "depthwise": 900,
        "pointwise": 620,
        "linear": 30,
        "other": 40,
    }


def test_the_ladder_says_what_it_draws(axes, network):
    stages = {"naive": chip_pictures.by_kind(network, COUNTS), "fast": {"pointwise": 1_200}}
    rows = chip_pictures.stage_ladder(
        axes,
        stages,
        cycles={"naive": (7_000, 9_000), "fast": None},
        published=PUBLISHED[:1],
        title="t",
    )
    assert [row.get("instructions") for row in rows] == [6_590, 1_200, None]
    assert [row["cycles"] for row in rows[:2]] == [(7_000, 9_000), None]
    assert rows[2]["cycles"][0] == PUBLISHED[0].cycles
    assert sum(patch.get_width() for patch in axes.patches) == pytest.approx(7_790 / 1e6)
    alt = chip_pictures.stage_ladder_alt(rows)
    assert "naive 6,590 instructions, 0.0 to 0.0 M cycles estimated" in alt
    assert "fast 1,200 instructions;" in alt
    assert "reference kernels, on a board 21.8 M cycles" in alt


def test_layers_have_instructions_for_each_mac(axes, network):
    """The first has 4 places x 4 outputs x 3 x 3 x 4 inputs = 576 MACs: 8.68 for each."""
    rows = chip_pictures.layer_profile(axes, network, instructions=COUNTS, title="t")
    assert [row["macs"] for row in rows] == [576, 144, 64, 64, 0, 12]
    assert rows[0]["per_mac"] == pytest.approx(5_000 / 576)
    assert rows[4]["per_mac"] is None
    alt = chip_pictures.layer_profile_alt(rows)
    assert "conv 5,000, 576 MACs, 8.68 each" in alt
    assert "average 40, no MACs" in alt


def test_the_map_shows_two_places_or_one(axes, network):
    """Four tensors of 16 B: two at a time without, one with writing in place; then 4 B."""
    plan = plan_memory(network)
    rows = chip_pictures.memory_map(axes, network, plan=plan, title="t")
    assert [row["tensor"] for row in rows] == ["t1", "t2", "t3", "t4", "t5"]
    assert [row["size_bytes"] for row in rows] == [16, 16, 16, 16, 4]
    assert [(row["first"], row["last"]) for row in rows[:2]] == [(0, 1), (1, 2)]
    assert plan.arena_bytes == 32
    assert "t1 from 0 to 16 B" in chip_pictures.memory_map_alt(rows, plan)


IN_PLACE = MemoryPlan(dict.fromkeys((1, 2, 3, 4), 0) | {5: 16}, 20, 8)


@pytest.mark.parametrize("plan", [None, IN_PLACE])
def test_no_two_tensors_of_the_map_are_drawn_over_each_other(axes, network, plan):
    """The rectangles of tensors and scratch share no place at any time."""
    plan = plan or plan_memory(network, scratch_bytes=8)
    chip_pictures.memory_map(axes, network, plan=plan, title="t")
    boxes = [patch.get_bbox() for patch in axes.patches]
    for k, one in enumerate(boxes):
        for other in boxes[:k]:
            width = min(one.x1, other.x1) - max(one.x0, other.x0)
            height = min(one.y1, other.y1) - max(one.y0, other.y0)
            assert min(width, height) <= 1e-9
