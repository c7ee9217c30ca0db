"""A picture with sliders below it, for the explorers of the labs.

The picture is an ordinary output with its text; the sliders appear only where a front end answers
(`course_utils.widgets.is_interactive`). What is drawn, and from what, is the explorer's business.
"""

from collections.abc import Callable
from typing import Any

from course_utils import plots, widgets


def show_with_sliders(
    draw: Callable[..., plots.Picture], **turned: tuple[str, Any, tuple[Any, ...]]
) -> None:
    """Show a picture and, where a front end answers, a slider for each of its arguments.

    Parameters
    ----------
    draw
        Returns the picture for the values of the sliders.
    turned
        Argument -> class of the slider, first value, and its lowest, highest and step; for a
        ``Dropdown`` its options instead.
    """
    from IPython import display  # noqa: PLC0415 - called in kernels, which have it

    first = {name: value for name, (_, value, _) in turned.items()}
    shown = display.display(draw(**first), display_id=True)  # type: ignore[no-untyped-call]
    if not widgets.is_interactive():
        return
    import ipywidgets  # noqa: PLC0415 - only for a front end

    sliders = {}
    for name, (kind, value, choice) in turned.items():
        look: dict[str, Any] = {"options": choice}
        if kind != "Dropdown":
            look = dict(zip(("min", "max", "step"), choice, strict=True))
            look["continuous_update"] = False
        sliders[name] = getattr(ipywidgets, kind)(description=name, value=value, **look)

    def redraw(_: object) -> None:
        shown.update(draw(**{name: slider.value for name, slider in sliders.items()}))

    for slider in sliders.values():
        slider.observe(redraw, names="value")
    display.display(ipywidgets.VBox(list(sliders.values())))  # type: ignore[no-untyped-call]
