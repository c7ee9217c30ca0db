"""Pictures: a figure with its alternative text, the same bytes wherever it is shown."""

import base64
import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from course_utils import plots
from course_utils.errors import MeasurementError
from course_utils.records import Result


def measured(value, spread=0.1, n=31):
    return Result(value, value - spread, value + spread, n, "measured")


CURVES = {
    "float32": [(2, measured(80.0)), (1, measured(50.0))],
    "int8": [(1, measured(40.0)), (2, measured(70.0))],
}


def draw_learning(axes, title="Both learn"):
    labels = {"x_label": "epoch [1]", "y_label": "top-1 accuracy [%]"}
    return plots.learning_curve(axes, CURVES, **labels, title=title)


def test_a_picture_carries_its_alternative_text_wherever_it_is_shown():
    figure, axes = plots.new_figure()
    draw_learning(axes)
    alt = 'Accuracy against latency: "int8" < float32,\n  & narrow is fastest.'
    picture = plots.show(figure, alt=alt)
    plain = 'Accuracy against latency: "int8" < float32, & narrow is fastest.'
    data, metadata = picture._repr_mimebundle_()
    assert repr(picture) == data["text/plain"] == plain
    escaped = plain.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    assert (
        f'<img alt="{escaped}" width="420" height="300" src="data:image/png;base64,'
        in (data["text/html"])
    )
    assert metadata == {"image/png": {"alt": plain, "width": 420, "height": 300}}
    image = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert image.size == (700, 500)
    assert image.mode == "P"  # few colours: a notebook holds each picture twice
    assert picture.png.count(b"IEND") == 1


def test_equal_figures_are_equal_bytes():
    pictures = []
    for _ in range(2):
        figure, axes = plots.new_figure(data="digits")
        draw_learning(axes)
        pictures.append(plots.show(figure, alt="two curves"))
    assert pictures[0] == pictures[1]


def test_showing_twice_shows_the_same():
    figure, axes = plots.new_figure(data="digits")
    draw_learning(axes)
    assert plots.show(figure, alt="a") == plots.show(figure, alt="a")


def test_seven_colours_survive_the_palette():
    figure, axes = plots.new_figure()
    series = {f"m{i}": [(1, measured(1.0 + i)), (2, measured(2.0 + i))] for i in range(7)}
    plots.learning_curve(axes, series, x_label="epoch [1]", y_label="loss [1]", title="T")
    image = Image.open(io.BytesIO(plots.show(figure, alt="seven lines").png)).convert("RGB")
    pixels = np.asarray(image).reshape(-1, 3).astype(int)
    for color in plots.COLORS:
        wanted = [round(255 * x) for x in to_rgb(color)]
        # 8 of 255 steps: a palette entry may average neighbours, but no two colours merge.
        assert np.abs(pixels - wanted).max(axis=1).min() <= 8, color


def test_ipython_shows_html_png_and_text():
    formatter = pytest.importorskip("IPython.core.formatters").DisplayFormatter()
    figure, axes = plots.new_figure()
    draw_learning(axes)
    data, metadata = formatter.format(plots.show(figure, alt="a figure"))
    assert set(data) == {"text/plain", "text/html", "image/png"}
    assert data["text/plain"] == "a figure"
    assert metadata["image/png"]["alt"] == "a figure"


@pytest.mark.parametrize("alt", ["", "  \n"])
def test_a_figure_without_alternative_text_is_refused(alt):
    figure, _ = plots.new_figure()
    with pytest.raises(MeasurementError, match="no alternative text"):
        plots.show(figure, alt=alt)
