"""Pictures and tables of counts, energies and sound: what they draw is what they are given."""

import numpy as np
import pytest
import torch

from course_utils import plots
from course_utils.records import Result, counted
from labs.mcu_compression import counting_pictures, speech_pictures
from labs.mcu_compression.given import count_layers
from labs.shared import networks


def test_a_ladder_marks_what_was_taken_from_elsewhere():
    figure, axes = plots.new_figure(wide=True)
    values = {
        "ours": Result(0.3, 0.2, 0.4, n=1, kind="modelled"),
        "theirs": Result(5482.0, 5482.0, 5482.0, n=1, kind="assumed"),
    }
    rows = counting_pictures.ladder(axes, values, x_label="energy [uJ]", title="Far apart")
    assert [(row["name"], row["is_ours"]) for row in rows] == [("ours", True), ("theirs", False)]
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.texts] == ["0.3", "5,482"]
    points = [line for line in axes.lines if line.get_marker() in "oD"]
    assert [line.get_markerfacecolor() == "white" for line in points] == [False, True]
    assert plots.show(figure, alt="two energies").alt == "two energies"


def test_growth_is_relative_to_the_first_width():
    _, axes = plots.new_figure(wide=True)
    series = {"parameters": [10, 40], "peak memory": [3, 6]}
    rows = counting_pictures.growth(axes, series, widths=(0.5, 1.0), marked=0.75, title="It grows")
    assert [(row["name"], row["width"], row["multiple"]) for row in rows] == [
        ("parameters", 0.5, 1),
        ("parameters", 1.0, 4),
        ("peak memory", 0.5, 1),
        ("peak memory", 1.0, 2),
    ]
    assert any(list(line.get_xdata()) == [0.75, 0.75] for line in axes.lines)


def test_shares_of_the_network_add_up():
    rows = count_layers(networks.ds_cnn(), torch.zeros(1, *networks.KEYWORD_SHAPE))
    bars = counting_pictures.shares(rows, {"weights": "params", "MACs": "macs"})
    for bar in bars.values():
        assert list(bar) == ["first convolution", "depthwise", "pointwise", "linear"]
        assert sum(part.value for part in bar.values()) == pytest.approx(100)
    # Four pointwise layers of 64 x 64 weights at 125 places, and 4 x 64 biases.
    assert bars["MACs"]["pointwise"].value == pytest.approx(100 * 4 * 64 * 64 * 125 / 2_656_768)
    assert bars["weights"]["pointwise"] == counted(100 * 4 * (64 * 64 + 64) / 22_604)


def test_stages_are_drawn_as_given():
    wave, image = np.linspace(-1, 1, 16_000), np.arange(12.0).reshape(4, 3)
    panels = [("a wave", "amplitude [1]", wave), ("bands", "band [1]", image)]
    figure = speech_pictures.stages(panels, title="Two stages", data="none", end_s=0.5)
    first, second = figure.axes
    assert first.lines[0].get_ydata().tolist() == wave.tolist()
    assert np.asarray(second.images[0].get_array()).tolist() == image.T.tolist()
    assert second.images[0].get_extent() == [0.0, 0.5, -0.5, 2.5]
    assert figure.get_suptitle() == "Two stages"


def test_filters_are_drawn_where_they_are_not_zero():
    _, axes = plots.new_figure(wide=True)
    weights = np.array([[0, 0], [1, 0], [0, 0.5], [0, 1], [0, 0]])
    hertz = np.arange(5.0)
    speech_pictures.draw_filters(axes, hertz, weights=weights, title="Two bands")
    assert [line.get_xdata().tolist() for line in axes.lines] == [[0, 1, 2], [1, 2, 3, 4]]
