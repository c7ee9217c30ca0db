"""What a setting needs on a board: counted where measured, modelled between, and its sliders."""

from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils import counting, plots
from labs.mcu_compression import board_explorer, footprints
from labs.mcu_compression.footprints import Measured
from labs.shared import networks, sliders
from labs.shared.boards import BOARDS

FULL = Measured(1.0, 31_184, 9_434, {"m4": (6.70e6, 7.78e6), "m0plus": (40e6, 60e6)})
HALF = Measured(
    0.5, 16_500, 4_900, {"m4": (2.0e6, 2.4e6), "m0plus": (12e6, 18e6), "m3": (9e6, 9e6)}
)
BOTH = (FULL, HALF)
WIDTHS = st.floats(0.1, 2.0)
BITS = st.integers(1, 8)
SHARES = st.floats(0.0, 0.95)


@pytest.mark.parametrize("width", [0.25, 0.6, 1.0])
def test_weights_and_products_are_those_of_the_network(width):
    """The counts of course_utils, which walk through the network, are the oracle."""
    network = networks.ds_cnn(width=width).eval()
    channels = footprints.channels_of(width)
    weights = sum(p.numel() for name, p in network.named_parameters() if p.ndim > 1)
    example = torch.zeros(1, *networks.KEYWORD_SHAPE)
    counted = counting.count(network, example, fold_batch_norm=True)
    assert footprints.weights_of(channels) == weights
    assert footprints.macs_of(channels) == counted.macs


@pytest.mark.parametrize("one", BOTH)
def test_what_was_measured_is_returned_as_counted(one):
    need = footprints.footprint(BOTH, width=one.width, bits=8, sparsity=0.0)
    assert (need.flash.value, need.flash.low, need.flash.high) == (one.flash_bytes,) * 3
    assert (need.ram.value, need.flash.kind, need.ram.kind) == (one.ram_bytes, "counted", "counted")
    assert need.cycles == one.cycles
    assert not need.is_packed


def test_fewer_bits_and_zeros_save_flash_alone():
    """22,016 weights: 4 bits save 11,008 B. Half zeros: 5,504 B of codes and 2,752 B of mask."""
    need = partial(footprints.footprint, BOTH, width=1.0)
    four = need(bits=4, sparsity=0.0)
    assert four.flash.value == FULL.flash_bytes - 11_008
    sparse = need(bits=4, sparsity=0.5)
    assert sparse.flash.value == FULL.flash_bytes - 22_016 + 5_504 + 2_752
    for each in (four, sparse):
        assert each.flash.kind == "modelled"
        assert (each.ram.value, each.cycles) == (FULL.ram_bytes, FULL.cycles)
        assert each.is_packed


@given(width=WIDTHS, bits=BITS, sparsity=SHARES)
def test_between_two_widths_lies_between_what_both_say(width, bits, sparsity):
    need = footprints.footprint(BOTH, width=width, bits=bits, sparsity=sparsity)
    alone = [footprints.footprint([m], width=width, bits=bits, sparsity=sparsity) for m in BOTH]
    for name in ("flash", "ram"):
        said = [getattr(each, name).value for each in alone]
        whole = getattr(need, name)
        assert min(said) <= whole.low <= whole.value <= whole.high <= max(said)
    for core, (low, high) in need.cycles.items():
        ends = [x for each in alone for x in each.cycles.get(core, ())]
        assert min(ends) <= low <= high <= max(ends)


@given(width=WIDTHS, bits=BITS, sparsity=SHARES)
def test_flash_rises_with_bits_and_falls_with_zeros(width, bits, sparsity):
    need = partial(footprints.footprint, BOTH, width=width)
    here = need(bits=bits, sparsity=sparsity).flash.value
    assert need(bits=min(8, bits + 1), sparsity=sparsity).flash.value >= here
    assert need(bits=bits, sparsity=sparsity / 2).flash.value >= here


@given(a=st.integers(1, 128), b=st.integers(1, 128))
def test_one_measured_width_grows_with_the_network(a, b):
    few, many = sorted((a, b))
    small, large = (
        footprints.footprint([FULL], width=channels / 64, bits=8, sparsity=0.0)
        for channels in (few, many)
    )
    assert small.flash.value <= large.flash.value
    assert small.ram.value <= large.ram.value
    assert small.cycles["m4"] <= large.cycles["m4"]


def test_a_core_that_one_neighbour_does_not_know_is_left_out():
    assert set(footprints.footprint(BOTH, width=0.75, bits=8, sparsity=0).cycles) == {
        "m4",
        "m0plus",
    }


@pytest.mark.parametrize(
    "setting", [{"width": 0}, {"bits": 0}, {"bits": 9}, {"sparsity": 1.0}, {"sparsity": -0.1}]
)
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(ValueError, match="width > 0, bits 1 to 8 and 0 <= sparsity < 1"):
        footprints.footprint(BOTH, **({"width": 1.0, "bits": 8, "sparsity": 0.0} | setting))


def test_without_measurements_nothing_is_said():
    with pytest.raises(ValueError, match="nothing was measured; give at least one width"):
        footprints.footprint([], width=1.0, bits=8, sparsity=0.0)


def on_every_core(_core, **setting):
    return footprints.footprint(BOTH, **setting)


@pytest.fixture
def explorer():
    return board_explorer.BoardExplorer(on_every_core, "made_up")


def test_the_picture_says_what_fits_and_what_is_late(explorer):
    text = explorer.picture(8, 1.0, sparsity=0.0).alt
    assert text.startswith("8 bit, width 1, 0% zeros: room on 7 of 8 boards. Latency wanted: 100")
    assert "RAM is 1,242 B short (9,434 B of 8,192 B); 1,250 to 1,875 ms, late" in text
    assert "NUCLEO-L4R5ZI (STM32L4R5ZI): 1.5% of the flash, 1.4% of the RAM; 56 to 65 ms." in text
    assert "unpacking" not in text


def test_a_board_without_cycles_has_no_latency(explorer):
    text = explorer.picture(8, 1.0, sparsity=0.0).alt
    assert "STM32F746G-DISCO (STM32F746NG): 3.0% of the flash, 2.9% of the RAM; not known" in text
    need = footprints.footprint(BOTH, width=1.0, bits=8, sparsity=0.0)
    known = {
        key for key, board in BOARDS.items() if board_explorer.latency(board, need) is not None
    }
    assert known == {"stm32l053", "rp2040", "nrf52840", "stm32l4r5"}  # FULL knows no M3


def test_a_smaller_network_fits_more_boards(explorer):
    text = explorer.picture(4, 0.75, sparsity=0.5).alt
    assert text.startswith("4 bit, width 0.75, 50% zeros: room on 8 of 8 boards")
    assert "What unpacking weights takes is not counted." in text


def test_a_deadline_between_both_ends_is_a_question():
    explorer = board_explorer.BoardExplorer(on_every_core, "made_up", deadline_ms=60)
    assert "56 to 65 ms, late?" in explorer.picture(8, 1.0, sparsity=0.0).alt


def test_without_a_front_end_a_picture_is_left(explorer, monkeypatch):
    from IPython import display

    shown = []
    monkeypatch.setenv("COURSE_STATIC", "1")
    monkeypatch.setattr(display, "display", lambda *what, **_: shown.extend(what))
    explorer._ipython_display_()
    assert [type(each) for each in shown] == [plots.Picture]


def test_sliders_redraw_the_picture(explorer, monkeypatch):
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
    explorer._ipython_display_()
    _, box = shown
    assert [slider.description for slider in box.children] == ["bits", "width", "sparsity"]
    box.children[0].value = 4
    assert shown[-1].alt.startswith("4 bit, width 1, 0% zeros")
