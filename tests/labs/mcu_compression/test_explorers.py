"""What the pictures of detection and the explorers draw, say and leave in a notebook."""

import numpy as np
import pytest
import torch

from course_utils import plots
from course_utils.records import Result, counted
from labs.mcu_compression import detection, detection_pictures, explorers
from labs.mcu_compression.given import false_alarm_bound, smooth
from labs.mcu_compression.shipping import Comparison
from labs.mcu_compression.streams import Event, Stream
from labs.shared import sliders
from labs.shared.keywords import CLASSES

ON = CLASSES.index("on")


@pytest.fixture
def stream():
    events = (Event(10, 11, ON, "on"), Event(20, 21, 0, "down"), Event(50, 51, ON, "on"))
    return Stream(torch.zeros(60 * 16_000), events, ("on", "off"), "made_up", "val")


@pytest.fixture
def scores():
    scores = np.zeros((591, 12))
    scores[98:104, ON] = 0.9  # 10.8 to 11.3 s
    scores[240, ON] = 0.9  # 25 s: a spike
    return scores


def test_the_strip_says_what_it_draws(stream, scores):
    picture = explorers.StreamExplorer(stream, scores, smooth).picture(0.5, 1, start_s=0.0)
    assert "Said: on at 10.0 s, down at 20.0 s." in picture.alt
    assert "hit on at 10.8 s, false alarm on at 25.0 s" in picture.alt


def test_smoothing_takes_the_spike_away(stream, scores):
    picture = explorers.StreamExplorer(stream, scores, smooth).picture(0.5, 5, start_s=0.0)
    assert "hit on at 11.0 s." in picture.alt
    assert "false alarm" not in picture.alt


def test_a_strip_beside_everything_is_empty(stream, scores):
    _, axes = plots.new_figure(wide=True)
    outcome = detection.match([], stream, threshold=0.5)
    rows = detection_pictures.strip(
        axes, stream, scores=scores, outcome=outcome, start_s=30.0, length_s=15.0
    )
    assert rows == []
    assert "Said: nothing" in detection_pictures.strip_alt(stream, outcome, rows=rows)


def test_the_trade_off_keeps_to_its_axis(stream, scores):
    _, axes = plots.new_figure(wide=True)
    outcomes = detection.sweep(scores, stream, thresholds=(0.5, 0.95))
    rows = detection_pictures.trade_off(
        axes, {"raw": outcomes}, chosen={"raw": 0.95}, bound=false_alarm_bound, title="t"
    )
    # At 0.5 there is one false alarm in a minute, 60 an hour: beyond the axis.
    assert [row["threshold"] for row in rows] == [0.95]
    assert rows[0]["misses"].value == 1
    assert rows[0]["false_alarms"].high == pytest.approx(3.689 * 60, rel=1e-3)


def test_the_error_trade_off_draws_rates_of_0_and_no_label_twice():
    half, none = (
        Result(0.5, 0.4, 0.6, n=9, kind="measured"),
        Result(0, 0, 0.1, n=9, kind="measured"),
    )
    _, axes = plots.new_figure(wide=True)
    points = [(0.1, none, half), (0.2, half, half), (0.25, half, half), (0.3, half, none)]
    rows = detection_pictures.error_trade_off(axes, points, title="t")
    assert [row["threshold"] for row in rows] == [0.1, 0.2, 0.25, 0.3]
    assert [text.get_text() for text in axes.texts] == ["0.1", "0.2", "0.3"]


def compared():
    def one(name, size, loss):
        result = Result(loss, loss - 0.01, loss + 0.01, n=20, kind="measured")
        return Comparison(name, counted(size), 10, counted(0.9), result, 1.0)

    return [one("float32", 90_000, 0.0), one("int8", 26_000, 0.01), one("2 bit", 10_000, 0.6)]


def test_the_budget_names_what_is_left():
    explorer = explorers.BudgetExplorer(compared(), "made_up")
    assert explorer.picture(30_000, 0.05).alt.startswith(
        "Within 30,000 B and a loss of at most 5.0%: int8."
    )
    assert "nothing is left" in explorer.picture(5_000, 0.05).alt


def test_without_a_front_end_a_picture_is_left_and_no_slider(stream, scores, monkeypatch):
    from IPython import display

    shown = []
    monkeypatch.setenv("COURSE_STATIC", "1")
    monkeypatch.setattr(display, "display", lambda *what, **_: shown.extend(what))
    explorers.StreamExplorer(stream, scores, smooth)._ipython_display_()
    explorers.BudgetExplorer(compared(), "made_up")._ipython_display_()
    assert [type(each) for each in shown] == [plots.Picture, plots.Picture]


def test_sliders_redraw_the_picture(stream, scores, monkeypatch):
    from IPython import display

    shown = []

    class Handle:
        def update(self, picture):
            shown.append(picture)

    def show(*what, **_):
        shown.extend(what)
        return Handle()

    monkeypatch.setattr(sliders.widgets, "is_interactive", lambda: True)
    monkeypatch.setattr(display, "display", show)
    explorers.StreamExplorer(stream, scores, smooth, threshold=0.5)._ipython_display_()
    first, box = shown
    assert [slider.description for slider in box.children] == ["threshold", "window", "start_s"]
    box.children[1].value = 1
    assert "false alarm" not in first.alt
    assert "false alarm" in shown[-1].alt
