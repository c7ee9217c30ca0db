"""What the pictures draw."""

import numpy as np
import pytest

from course_utils import plots
from course_utils.records import counted
from labs.seminar.ml_systems_metrics import configurations, hierarchy, pictures, pitfalls, suspect


@pytest.fixture
def axes():
    return plots.new_figure(wide=True)[1]


def curve() -> hierarchy.Curve:
    samples = np.array([1.0, 1.1, 4.0, 90.0])[:, None] * np.linspace(1, 1.2, 6)
    return hierarchy.Curve((4096, 8192, 16384, 32768), samples, "test")


def test_a_latency_curve_has_a_line_where_each_level_ends(axes):
    ends = pictures.latency_curve(axes, curve(), levels=[(8192, 1.05)], title="A step")
    assert ends == [8.0]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert "1.05 ns up to 8 KiB" in [text.get_text() for text in axes.texts]


def test_strides_are_drawn_as_they_were_taken(axes):
    points = pictures.stride_curve(axes, curve(), title="Strides")
    assert [x for x, _ in points] == [4096, 8192, 16384, 32768]


def test_factors_in_their_order(axes):
    pair = np.arange(1.0, 8.0)
    found = [
        pitfalls.Pitfall("twice", 2 * pair, pair, "x [us]"),
        pitfalls.Pitfall("half", pair, 2 * pair, "x [us]", "modelled"),
    ]
    assert pictures.factors(axes, found, title="Twice and half") == [2.0, 0.5]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["twice", "half"]


def test_tails_return_the_nearest_rank(axes):
    p99 = pictures.tails(axes, {"one to a thousand": range(1, 1001)}, title="Tail")
    assert p99 == {"one to a thousand": 990.0}


def test_configurations_by_kind(axes):
    setting = configurations.Setting(1, 1, "float32", 2)
    found = [
        configurations.Measured(setting, *(counted(float(x + i)) for x in (1, 2, 3, 4)))
        for i in range(3)
    ]
    counts = pictures.configuration_space(
        axes, found, kinds=["surely", "dominated", "dominated"], title="Kinds"
    )
    assert counts == {"surely": 1, "possibly": 0, "dominated": 2}
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["surely on the front (1)", "surely beaten (2)"]


def test_loss_curves_end_at_the_last_loss(axes):
    nothing = np.zeros((1, 1))
    log = suspect.Log(
        nothing,
        nothing,
        np.zeros(1, dtype=int),
        0.1,
        nothing,
        nothing,
        np.array([2.0, 0.5]),
        np.asarray,
    )
    assert pictures.loss_curves(axes, {"run": log}, title="Falls") == {"run": 0.5}
