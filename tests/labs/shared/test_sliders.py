"""A picture, and sliders below it only where a front end answers."""

import pytest

from labs.shared.sliders import show_with_sliders


@pytest.fixture
def shown(monkeypatch):
    """Return what is displayed and drawn again, in order."""
    everything = []

    class Handle:
        def update(self, picture):
            everything.append(picture)

    def display(each, **_):
        everything.append(each)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    return everything


def test_a_choice_and_a_slider(shown, monkeypatch):
    monkeypatch.setattr("course_utils.widgets.is_interactive", lambda: True)
    show_with_sliders(
        lambda kind, level: (kind, level),
        kind=("Dropdown", "a", ("a", "b")),
        level=("IntSlider", 3, (1, 5, 2)),
    )
    assert shown[0] == ("a", 3)
    dropdown, slider = shown[1].children
    assert (slider.min, slider.max, slider.step) == (1, 5, 2)
    dropdown.value = "b"
    slider.value = 5
    assert shown[2:] == [("b", 3), ("b", 5)]


def test_the_picture_alone(shown, monkeypatch):
    monkeypatch.setattr("course_utils.widgets.is_interactive", lambda: False)
    show_with_sliders(lambda level: level, level=("IntSlider", 3, (1, 5, 2)))
    assert shown == [3]
