"""What the front end costs, and the explorer that turns its knobs."""

import IPython.display
import numpy as np
import pytest
import torch

from course_utils import widgets
from labs.mcu_compression import front_end
from labs.shared import features

CLIP = np.random.default_rng(0).normal(size=16_000).astype(np.float32)


def explore(**knobs):
    return front_end.explore_features(CLIP, data="noise", **knobs)


def test_the_standard_setting_is_the_front_end_of_the_lab():
    library = features.Mfcc().log_mel(torch.from_numpy(CLIP)[None])[0]
    # The same sums in float32, in another order.
    assert torch.allclose(explore().log_mel(), library, atol=1e-4)


def test_multiplications_by_hand():
    # 49 frames: taper 640, transform 1024 x 10, squares 2 x 513, mel weights, cosines 40 x 10.
    weights = int((features.mel_matrix() > 0).sum())
    by_hand = 49 * (640 + 1024 * 10 + 2 * 513 + weights + 400)
    assert front_end.cost().front_end_multiplications == by_hand
    assert front_end.cost().front_end_share.value == by_hand / 2_656_768


@pytest.mark.parametrize("window_ms", front_end.WINDOWS_MS)
@pytest.mark.parametrize("hop_ms", front_end.HOPS_MS)
def test_every_setting_has_the_frames_that_fit(window_ms, hop_ms):
    ends = range(window_ms, 1001, hop_ms)  # ms at which a whole frame ends
    for coefficients in front_end.COEFFICIENTS:
        cost = front_end.cost(window_ms, hop_ms, coefficients=coefficients)
        assert (cost.frames, cost.numbers) == (len(ends), len(ends) * coefficients)
    assert explore(window_ms=window_ms, hop_ms=hop_ms).log_mel().shape == (len(ends), 40)


def test_rows_tell_what_each_setting_costs():
    (row,) = front_end.cost_rows([(40, 40, 10)])
    assert (row["features"], row["numbers"], row["hop [ms]"]) == ("25 x 10", 250, 40)
    assert row["DS-CNN [MAC]"] == front_end.cost(40, 40).network_macs


def test_the_picture_says_what_it_shows():
    told = explore(hop_ms=10).picture().alt
    assert told.startswith("Window 40 ms, hop 10 ms: 97 x 10 = 970 numbers, front end ")
    assert "Log-mel bands and MFCCs" in told


def test_silence_can_be_drawn():
    silent = front_end.explore_features(np.zeros(16_000, np.float32), data="silence")
    assert "490 numbers" in silent.picture().alt


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"window_ms": 25}, "window_ms is 25; give one of 20, 30, 40, 64"),
        ({"hop_ms": 0}, "hop_ms is 0; give one of 10, 20, 40"),
        ({"coefficients": 13}, "coefficients is 13; give one of 5, 10, 20, 40"),
    ],
)
def test_a_knob_without_that_position_is_refused(knobs, said):
    with pytest.raises(ValueError, match=said):
        explore(**knobs)


class Shown:
    """Stands for the display of a kernel: what was shown, and what replaced it."""

    def __init__(self):
        self.calls = []

    def __call__(self, content, **_):
        self.calls.append(content)
        return self

    def update(self, content):
        self.calls.append(content)


@pytest.fixture
def shown(monkeypatch):
    display = Shown()
    monkeypatch.setattr(IPython.display, "display", display)
    return display


def test_without_a_front_end_the_picture_alone_is_shown(shown, monkeypatch):
    monkeypatch.setattr(widgets, "is_interactive", lambda: False)
    explore()._ipython_display_()
    assert [picture.alt.split(":")[0] for picture in shown.calls] == ["Window 40 ms, hop 20 ms"]


def test_sliders_redraw_the_picture(shown, monkeypatch):
    monkeypatch.setattr(widgets, "is_interactive", lambda: True)
    explore(coefficients=5)._ipython_display_()
    _, box = shown.calls
    sliders = {slider.description: slider for slider in box.children}
    assert sliders["coefficients"].value == 5
    sliders["hop_ms"].value = 40
    sliders["window_ms"].value = 64
    assert [picture.alt.split(" numbers")[0] for picture in shown.calls[2:]] == [
        "Window 40 ms, hop 40 ms: 25 x 5 = 125",
        "Window 64 ms, hop 40 ms: 24 x 5 = 120",
    ]
