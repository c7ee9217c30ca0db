"""Operations and bytes against torch's counter and a module's own tensors; caches; a roof."""

import itertools
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from course_utils import counting, plots
from course_utils.records import Result
from course_utils.units import KI, MI
from labs.gpu_training import roofline, roofline_pictures
from labs.gpu_training.given import roofline as stand_ins
from labs.gpu_training.workload import Workload
from labs.shared.transformer import SIZES

SMALL = st.integers(1, 64)


def measured(value: float, low: float, high: float, n: int = 6) -> Result:
    return Result(value, low, high, n=n, kind="measured")


@settings(deadline=None, max_examples=50)
@given(tokens=SMALL, inputs=SMALL, outputs=SMALL)
def test_an_intensity_is_that_of_the_courses_counter(
    tokens: int, inputs: int, outputs: int
) -> None:
    layer = nn.Linear(inputs, outputs, bias=False)
    counted = counting.count(layer, torch.zeros(tokens, inputs)).intensity_ops_per_byte
    assert stand_ins.linear_intensity(tokens, inputs, outputs, 4) == pytest.approx(counted)


def test_the_operations_of_a_forward_pass_are_those_that_torch_counts() -> None:
    workload, size = Workload(batch=2), SIZES["tiny"]
    model, (x, _) = workload.model(), workload.batch_of(0)
    # The fused attention of a processor is not counted; as products of matrices it is.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter, torch.no_grad():
        model(x)
    parameters = roofline.multiplied_parameters(model)
    wanted = stand_ins.step_ops(x.numel(), parameters, size.layers, size.width, size.context)
    assert 3 * counter.get_total_flops() == wanted


def test_the_roof_is_the_lower_of_two_bounds() -> None:
    bounds = stand_ins.attainable_ops_per_s([1.0, 5.0, 50.0], 100.0, 20.0)
    assert bounds.tolist() == [20.0, 100.0, 100.0]
    assert stand_ins.attainable_ops_per_s(2.0, 100.0, 20.0) == 40.0


def test_layers_fit_their_inputs_and_head_and_block_are_there() -> None:
    layers = roofline.linear_layers(Workload(), batch=3)
    assert [name for name, _, _ in layers] == ["query", "up", "down", "head"]
    assert {len(x) for _, _, x in layers} == {3 * SIZES["tiny"].context}
    for _, layer, x in layers:
        assert layer(x).shape == (len(x), layer.out_features)


def test_what_is_attained_counts_the_operations_it_is_given() -> None:
    layer, x = nn.Linear(8, 8, bias=False), torch.ones(4, 8)
    rate = roofline.attained_ops_per_s(layer, x, ops=1e9, budget_s=0.001)
    assert 0 < rate.low <= rate.value <= rate.high


def test_working_sets_grow_by_four_and_stay_within_the_bound() -> None:
    sizes = roofline.working_sets_bytes(5 * MI)
    assert sizes == [64 * KI, 256 * KI, 1 * MI, 4 * MI]
    assert roofline.working_sets_bytes(1) == [64 * KI]
    assert max(roofline.working_sets_bytes(2**60)) < 2**50  # the machine's memory is the bound


def test_a_copy_rate_belongs_to_each_working_set() -> None:
    rates = roofline.copy_rates([64 * KI, 256 * KI], budget_s=0.001)
    assert [size for size, _ in rates] == [64 * KI, 256 * KI]
    assert all(rate.low > 0 for _, rate in rates)


def test_the_largest_cache_is_read_where_linux_tells_it(tmp_path: Path) -> None:
    for number, size in enumerate(["48K", "2048K", "480M"]):
        folder = tmp_path / f"index{number}"
        folder.mkdir()
        (folder / "size").write_text(size + "\n", encoding="ascii")
    assert roofline.largest_cache_bytes(tmp_path) == 480 * MI
    assert roofline.largest_cache_bytes(tmp_path / "nothing here") is None


def test_utilization_is_widest_where_both_intervals_are() -> None:
    found = roofline.utilization(measured(2.0, 1.0, 4.0), ops=1e6, peak=measured(1e9, 5e8, 2e9, 9))
    # 1e6 operations in 2 ms are 5e8 a second; in 4 ms at 2e9: 0.125; in 1 ms at 5e8: 2.
    assert (found.value, found.low, found.high, found.n) == (0.5, 0.125, 2.0, 6)


def test_shares_divide_by_the_bound_of_each_layer() -> None:
    layers = [("slow", 1.0, measured(10.0, 10.0, 10.0)), ("fast", 9.0, measured(50.0, 50.0, 50.0))]
    shares = roofline.shares_of_roof(
        layers, stand_ins.attainable_ops_per_s, peak=100.0, bandwidth=20.0
    )
    assert shares == {"slow": 0.5, "fast": 0.5}


def test_bandwidths_are_drawn_with_their_intervals_and_the_cache() -> None:
    rates = [(64 * KI, measured(9e9, 8e9, 1e10)), (MI, measured(5e9, 4e9, 6e9))]
    for cache, lines in ((None, 0), (128 * KI, 1)):
        _, axes = plots.new_figure(wide=True)
        roofline_pictures.bandwidths(axes, rates, cache_bytes=cache, title="It falls")
        drawn = axes.lines[0].get_xydata().tolist()
        assert drawn == [[64 * KI, 9.0], [MI, 5.0]]
        named = [line for line in axes.lines if line.get_label() == "largest cache"]
        assert len(named) == lines
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["64 KiB", "1 MiB"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("working set [B] (log)", "bandwidth [GB/s]")
    assert axes.get_ylim()[0] == 0
    assert axes.get_title("left") == "It falls"


def test_the_roof_over_layers_has_plain_intensities() -> None:
    figure, axes = plots.new_figure(wide=True)
    layers = [("up", 8.0, measured(7e9, 6e9, 8e9)), ("down", 30.0, measured(9e9, 8e9, 9.5e9))]
    roof = {"peak": measured(1e10, 9e9, 1e10), "bandwidth": measured(1e9, 9e8, 1e9)}
    rows = roofline_pictures.under_the_roof(axes, layers, **roof, title="Below the roof")
    assert [row["bound"] for row in rows] == ["memory", "compute"]
    figure.draw_without_rendering()
    said = [tick.label1.get_text() for tick in axes.xaxis.get_major_ticks()]
    said += [tick.label1.get_text() for tick in axes.xaxis.get_minor_ticks()]
    assert "10" in said
    assert axes.get_ylim()[1] == pytest.approx(1.6e10)
    assert not any("$" in each for each in said)


def test_a_students_roof_is_drawn_as_it_is() -> None:
    _, axes = plots.new_figure()
    x, y = torch.tensor([1.0, 10.0]).numpy(), torch.tensor([7.0, 3.0]).numpy()
    roofline_pictures.own_roof(axes, x, bounds=y, peak=100.0, bandwidth=20.0)
    own = next(line for line in axes.lines if line.get_label() == "yours")
    assert list(itertools.chain(*own.get_xydata())) == [1.0, 7.0, 10.0, 3.0]
