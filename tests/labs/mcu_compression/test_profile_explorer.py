"""The profile explorer: bars are the profile's counts, and each choice is compiled once."""

import numpy as np
import pytest

from labs.mcu_compression.c_code.code import CodeError
from labs.mcu_compression.integer.network import IntegerNetwork
from labs.mcu_compression.profile_explorer import MOST_BARS, VIEWS, ProfileExplorer
from labs.shared import sliders
from labs.shared.instructions import Profile

FUNCTIONS = {f"function_{k}_of_a_rather_long_name_indeed": 100 - k for k in range(14)}
PROFILE = Profile(
    instructions=1_309,
    by_class={"load": 300, "alu": 1_009},
    by_function=FUNCTIONS,
    loads=321,
    stores=54,
    taken_branches=9,
    stack_bytes=64,
    cycles=(1_500_000, 1_700_000),
    core="m4",
)


class Made:
    """Stands in for `bench.Deployed`."""

    def profile(self, clip):
        return PROFILE

    def profile_by_layer(self, clip):
        return {"conv": 1_000, "linear": 300}


@pytest.fixture
def deployed():
    return []


@pytest.fixture
def explorer(deployed):
    def deploy(network, stage, *, core):
        if (stage, core) == ("fast", "m3"):
            raise CodeError("stage fast needs the DSP instructions that Cortex-M3 lacks")
        deployed.append((stage, core))
        return Made()

    network = IntegerNetwork("small", (), (), 0, 0)
    return ProfileExplorer(network, np.zeros((1, 1, 1), np.int8), deploy=deploy)


def test_views_show_the_counts_of_the_profile(explorer):
    assert explorer.counts("naive", "m4", view="function") == FUNCTIONS
    assert list(explorer.counts("naive", "m4", view="class")) == ["alu", "load"]
    assert explorer.counts("naive", "m4", view="layer") == {"conv": 1_000, "linear": 300}
    assert explorer.counts("naive", "m4", view=VIEWS[3]) == {"loads": 321, "stores": 54}


def test_a_choice_is_compiled_once(explorer, deployed):
    for view in VIEWS:
        explorer.picture("naive", "m4", view=view)
    explorer.picture("naive", "m3", view="class")
    assert deployed == [("naive", "m4"), ("naive", "m3")]


def test_the_text_has_every_bar_and_the_picture_the_largest(explorer):
    picture = explorer.picture("naive", "m4", view="function")
    assert picture.alt.startswith(
        "naive on Cortex-M4: 1,309 instructions, 1.50 to 1.70 M cycles estimated. Instructions by"
    )
    assert all(f"{name} {count}" in picture.alt for name, count in FUNCTIONS.items())
    assert len(FUNCTIONS) > MOST_BARS
    assert "Words or parts of words by loads and stores: loads 321" in (
        explorer.picture("naive", "m4", view=VIEWS[3]).alt
    )


def test_what_a_core_cannot_run_is_said_in_a_picture(explorer):
    picture = explorer.picture("fast", "m3", view="layer")
    assert picture.alt == (
        "fast on Cortex-M3: not possible. stage fast needs the DSP instructions "
        "that Cortex-M3 lacks"
    )


@pytest.mark.parametrize(("name", "value"), [("stage", "x"), ("core", "host"), ("view", "line")])
def test_an_unknown_choice_is_refused(explorer, name, value):
    with pytest.raises(ValueError, match=f"{name} is '{value}'; give one of "):
        ProfileExplorer(explorer.network, explorer.codes, **{name: value})


def test_without_a_front_end_the_picture_alone_stays(explorer, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda each, **_: shown.append(each))
    explorer._ipython_display_()
    assert [each.alt[:18] for each in shown] == ["naive on Cortex-M4"]


def test_a_dropdown_redraws(monkeypatch):
    """With a front end a choice made there draws the picture anew."""

    class Handle:
        def update(self, picture):
            drawn.append(picture)

    shown, drawn = [], []

    def display(each, **_):
        shown.append(each)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr("course_utils.widgets.is_interactive", lambda: True)
    sliders.show_with_sliders(
        lambda stage, level: (stage, level),
        stage=("Dropdown", "naive", ("naive", "fast")),
        level=("IntSlider", 3, (1, 5, 2)),
    )
    assert shown[0] == ("naive", 3)
    dropdown, slider = shown[1].children
    dropdown.value = "fast"
    slider.value = 5
    assert drawn == [("fast", 3), ("fast", 5)]
