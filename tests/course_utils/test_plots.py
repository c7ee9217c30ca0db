"""The data, the style and the accessibility of the figures of course_utils.plots."""

import subprocess
import sys
from typing import get_args

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from course_utils import plots, stats
from course_utils.errors import MeasurementError
from course_utils.records import Result, counted


def measured(value, spread=0.1, n=31):
    return Result(value, value - spread, value + spread, n, "measured")


POINTS = [
    ("float32", measured(0.62), measured(97.8, n=5)),
    ("int8", measured(0.55), measured(97.6, n=5)),
    ("int4", measured(0.54), measured(91.2, n=5)),
    ("narrow", measured(0.31), measured(96.4, n=5)),
    ("pruned", measured(0.60), measured(96.9, n=5)),
]
LAYERS = [("pool", 0.25, measured(6e8, 1e8)), ("pointwise", 9.0, measured(1.6e10, 1e9))]
PEAK, BANDWIDTH = measured(6e10, 3e9, n=9), measured(1e10, 2e9, n=9)
SCALING = {"DDP": [(4, measured(300.0)), (1, measured(100.0)), (2, measured(190.0))]}
CURVES = {
    "float32": [(2, measured(80.0)), (1, measured(50.0))],
    "int8": [(1, measured(40.0)), (2, measured(70.0))],
}
BARS = {
    "float32": {"weights": counted(4000)},
    "int8": {"scales": measured(300.0, 50.0), "weights": counted(1000)},
}
TIMES = {"float32": [3.0, 1.0, 2.0, 5.0, 4.0], "int8": [1.0, 1.5, 1.2, 1.1, 1.3, 1.4]}


def draw_pareto(axes, title="It pays"):
    return plots.pareto_front(
        axes, POINTS, x_label="latency [ms]", y_label="top-1 accuracy [%]", title=title
    )


def draw_roofline(axes, title="Pooling is bound by memory"):
    return plots.roofline(axes, LAYERS, peak=PEAK, bandwidth=BANDWIDTH, title=title)


def draw_distribution(axes, title="Int8 is faster"):
    return plots.distribution(axes, TIMES, x_label="latency [ms]", title=title)


def draw_scaling(axes, title="Four are three times as fast"):
    labels = {"x_label": "workers [1]", "y_label": "throughput [images/s]"}
    return plots.scaling(axes, SCALING, **labels, title=title)


def draw_breakdown(axes, title="Scales are small"):
    return plots.stacked_breakdown(axes, BARS, x_label="size [B]", title=title)


def draw_learning(axes, title="Both learn"):
    labels = {"x_label": "epoch [1]", "y_label": "top-1 accuracy [%]"}
    return plots.learning_curve(axes, CURVES, **labels, title=title)


EVERY_PLOT = pytest.mark.parametrize(
    "draw",
    [
        draw_pareto,
        draw_roofline,
        draw_distribution,
        draw_scaling,
        draw_breakdown,
        draw_learning,
    ],
)


# --- the figures -----------------------------------------------------------------------------


def test_roofline_rows():
    _, axes = plots.new_figure()
    pool, pointwise = draw_roofline(axes)
    assert pool == {
        "name": "pool",
        "intensity_ops_per_byte": 0.25,
        "attained_ops_per_s": LAYERS[0][2],
        "roof_ops_per_s": 2.5e9,  # 1e10 B/s * 0.25 op/B
        "bound": "memory",
    }
    assert (pointwise["roof_ops_per_s"], pointwise["bound"]) == (6e10, "compute")
    assert axes.get_xlabel() == "arithmetic intensity [op/B] (log)"
    assert axes.get_ylabel() == "attained [op/s] (log)"


def test_the_roof_has_its_ridge_and_its_interval():
    _, axes = plots.new_figure()
    draw_roofline(axes)
    roof = axes.lines[0].get_xydata()
    assert roof[:, 1] == pytest.approx(np.minimum(6e10, 1e10 * roof[:, 0]))
    ridge = axes.lines[1].get_xdata()[0]
    assert ridge == 6.0
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(6.3e10)
    assert band[:, 1].min() == pytest.approx(8e9 * roof[0, 0])


def test_a_layer_at_the_ridge_is_bound_by_compute():
    _, axes = plots.new_figure()
    rows = plots.roofline(
        axes, [("a", 6.0, measured(1e10))], peak=PEAK, bandwidth=BANDWIDTH, title="T"
    )
    assert rows[0]["bound"] == "compute"


def test_distribution_rows(error_bars):
    _, axes = plots.new_figure()
    first, second = draw_distribution(axes)
    assert first["samples"] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert first["median"] == stats.median_interval(TIMES["float32"])
    assert second["median"].n == 6
    assert ((1.0, 0.5), (5.0, 0.5)) in error_bars(axes)
    curve = axes.lines[0].get_xydata()
    assert curve[:, 1].min() == 0
    assert curve[:, 1].max() == 1
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["float32 (n = 5)", "int8 (n = 6)"]


def test_the_level_of_few_samples_is_not_called_95():
    figure, axes = plots.new_figure()
    draw_distribution(axes)  # n = 5: 1 - 2 / 32
    assert figure.get_supxlabel() == "medians with 94% intervals"


def test_scaling_rows_and_ideal_line():
    _, axes = plots.new_figure()
    rows = draw_scaling(axes)
    assert [row["x"] for row in rows] == [1, 2, 4]
    assert [row["ideal"] for row in rows] == [100.0, 200.0, 400.0]
    assert [row["efficiency"] for row in rows] == [1.0, 0.95, 0.75]
    ideal = next(line for line in axes.lines if line.get_label() == "ideal").get_xydata()
    assert ideal[:, 1] == pytest.approx(100 * ideal[:, 0])
    assert axes.get_ylim()[0] == 0
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "2", "4"]


def test_an_ideal_time_falls():
    _, axes = plots.new_figure()
    labels = {"x_label": "workers [1]", "y_label": "time [s]", "title": "T"}
    series = {"epoch": [(2, measured(40.0)), (4, measured(25.0)), (8, measured(10.0))]}
    rows = plots.scaling(axes, series, **labels, ideal="falls")
    assert [row["ideal"] for row in rows] == [40.0, 20.0, 10.0]
    assert [row["efficiency"] for row in rows] == [1.0, 0.8, 1.0]


def test_scaling_takes_log_axes_and_names_them():
    _, axes = plots.new_figure()
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    draw_scaling(axes)
    assert axes.get_xlabel() == "workers [1] (log)"
    assert axes.get_ylabel() == "throughput [images/s] (log)"


def test_breakdown_rows_and_bars(error_bars):
    _, axes = plots.new_figure()
    rows = draw_breakdown(axes)
    drawn = [(row["bar"], row["part"], row["start"], row["value"].value) for row in rows]
    assert drawn == [
        ("float32", "weights", 0.0, 4000),
        ("int8", "weights", 0.0, 1000),
        ("int8", "scales", 1000.0, 300.0),
    ]
    patches = [(p.get_x(), p.get_width()) for p in axes.patches]
    assert patches == [(0.0, 4000), (0.0, 1000), (1000.0, 300.0)]
    assert axes.get_xlim()[0] == 0
    assert [text.get_text() for text in axes.get_yticklabels()] == ["float32", "int8"]
    assert error_bars(axes) == {((1250.0, 1.0), (1350.0, 1.0))}  # counts have none


def test_bars_start_at_zero_though_an_interval_reaches_below():
    _, axes = plots.new_figure()
    bars = {"net": {"copy": measured(1.0, spread=4.0), "compute": measured(9.0)}}
    plots.stacked_breakdown(axes, bars, x_label="time [ms]", title="T")
    assert axes.get_xlim()[0] == 0


def test_bars_keep_their_order_whatever_their_parts():
    _, axes = plots.new_figure()
    bars = {"a": {"late": counted(1)}, "b": {"early": counted(1), "late": counted(1)}}
    plots.stacked_breakdown(axes, {"c": {"early": counted(1)}, **bars}, x_label="x [1]", title="T")
    assert [text.get_text() for text in axes.get_yticklabels()] == ["c", "a", "b"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first on top


def test_learning_rows_lines_and_bands():
    _, axes = plots.new_figure()
    rows = draw_learning(axes)
    assert [(row["name"], row["x"], row["y"].value) for row in rows] == [
        ("float32", 1, 50.0),
        ("float32", 2, 80.0),
        ("int8", 1, 40.0),
        ("int8", 2, 70.0),
    ]
    assert axes.lines[0].get_xydata().tolist() == [[1, 50], [2, 80]]
    band = axes.collections[0].get_paths()[0].vertices
    assert {tuple(v) for v in np.round(band, 6)} >= {(1, 49.9), (1, 50.1), (2, 79.9), (2, 80.1)}


# --- style -----------------------------------------------------------------------------------


@EVERY_PLOT
@pytest.mark.parametrize("wide", [False, True])
def test_nothing_is_clipped_and_nothing_is_tiny(draw, wide):
    figure, axes = plots.new_figure(data="digits", wide=wide)
    draw(axes, title="A sentence that is so long that it has to be broken over two lines")
    figure.draw_without_rendering()
    assert figure.get_size_inches().tolist() == [7.0 if wide else 3.5, 2.5]
    tight = figure.get_tightbbox()  # inches
    assert tight.x0 >= 0
    assert tight.y0 >= 0
    assert tight.x1 <= figure.get_size_inches()[0]
    assert tight.y1 <= 2.5
    shown = [axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
    shown += [*axes.get_xticklabels(), *axes.get_yticklabels()]
    assert min(text.get_fontsize() for text in shown) >= 7
    assert len(axes.get_title(loc="left").splitlines()) <= 2


@EVERY_PLOT
def test_each_plot_names_its_data_and_its_repeats(draw):
    figure, axes = plots.new_figure(data="digits")
    draw(axes)
    assert figure.get_supxlabel().startswith("data: digits; ")


def test_the_foot_says_how_many_repeats_and_what_was_not_measured():
    figure, axes = plots.new_figure()
    draw_pareto(axes)
    assert figure.get_supxlabel() == "x: n = 31; y: n = 5"
    figure, axes = plots.new_figure()
    draw_roofline(axes)
    assert figure.get_supxlabel() == "roof: n = 9; layers: n = 31"
    figure, axes = plots.new_figure()
    draw_breakdown(axes)
    assert figure.get_supxlabel() == "x: n = 31, counted"
    figure, axes = plots.new_figure()
    energy = [Result(x, x / 2, 2 * x, n, "modelled") for x, n in ((1.0, 5), (2.0, 7))]
    points = [("a", energy[0], measured(1.0, n=5)), ("b", energy[1], measured(2.0, n=7))]
    plots.pareto_front(axes, points, x_label="energy [J]", y_label="top-1 [%]", title="T")
    assert figure.get_supxlabel() == "x: modelled; y: n = 5 to 7"


@EVERY_PLOT
def test_no_setting_of_matplotlib_changes_and_no_figure_stays_open(draw):
    before = dict(mpl.rcParams)
    figure, axes = plots.new_figure()
    draw(axes)
    plots.show(figure, alt="a figure")
    assert dict(mpl.rcParams) == before
    if "matplotlib.pyplot" in sys.modules:
        assert not sys.modules["matplotlib.pyplot"].get_fignums()


@EVERY_PLOT
def test_a_figure_needs_a_title(draw):
    with pytest.raises(MeasurementError, match="no title"):
        draw(plots.new_figure()[1], title=" ")


def test_looks_repeat_colour_by_marker_line_and_hatch():
    for looks in (plots.COLORS, plots.MARKERS, plots.LINES, plots.HATCHES):
        assert len(set(looks)) == 7
    # The palette of Okabe and Ito, as published in 8-bit RGB.
    published = {
        (0, 114, 178),
        (213, 94, 0),
        (0, 158, 115),
        (204, 121, 167),
        (230, 159, 0),
        (86, 180, 233),
        (0, 0, 0),
    }
    assert {tuple(round(255 * x) for x in to_rgb(c)) for c in plots.COLORS} == published


def test_many_series_have_their_legend_beside_the_axes():
    figure, axes = plots.new_figure()
    series = {f"method {i}": [(1, measured(1.0 + i)), (2, measured(2.0 + i))] for i in range(7)}
    plots.learning_curve(axes, series, x_label="epoch [1]", y_label="loss [1]", title="T")
    figure.draw_without_rendering()
    assert axes.get_legend().get_window_extent().x0 >= axes.bbox.x1


@pytest.mark.parametrize(
    "title", ["T", "Counterrevolutionaries no", "a " * 30 + "b", "x" * 36 + " and more"]
)
def test_titles_keep_their_words(title):
    _, axes = plots.new_figure()
    draw_learning(axes, title=title)
    assert axes.get_title(loc="left").split() == title.split()


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda a: plots.scaling(a, {}, x_label="x [1]", y_label="y [1]", title="T"), "0 things"),
        (
            lambda a: plots.scaling(a, {"a": []}, x_label="x [1]", y_label="y [1]", title="T"),
            "0 things",
        ),
        (
            lambda a: plots.scaling(
                a, {"a": [(0, counted(1))]}, x_label="x [1]", y_label="y [1]", title="T"
            ),
            "0 has no place",
        ),
        (
            lambda a: plots.learning_curve(
                a,
                {str(i): [(1, counted(1))] for i in range(8)},
                x_label="x",
                y_label="y",
                title="T",
            ),
            "8 things to draw; a figure shows 1 to 7",
        ),
        (
            lambda a: plots.learning_curve(a, CURVES, x_label="epoch", y_label="y [1]", title="T"),
            "label 'epoch' names no unit",
        ),
        (
            lambda a: plots.stacked_breakdown(
                a, {"net": {"saved": counted(-1)}}, x_label="size [B]", title="T"
            ),
            "saved of net is -1",
        ),
        (lambda a: plots.stacked_breakdown(a, {}, x_label="size [B]", title="T"), "0 things"),
        (
            lambda a: plots.roofline(
                a, [("view", 0.0, measured(1.0))], peak=PEAK, bandwidth=BANDWIDTH, title="T"
            ),
            "0.0 has no place",
        ),
        (
            lambda a: plots.distribution(a, {"one run": [1.0]}, x_label="t [s]", title="T"),
            "n = 1 supports no claim",
        ),
        (
            lambda a: plots.pareto_front(a, [], x_label="x [1]", y_label="y [1]", title="T"),
            "0 things",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, message):
    with pytest.raises(MeasurementError, match=message):
        draw(plots.new_figure()[1])


# --- imports ---------------------------------------------------------------------------------


def test_the_package_loads_no_matplotlib_and_plots_no_pyplot():
    code = (
        "import sys, course_utils; assert 'matplotlib' not in sys.modules; "
        "import course_utils.plots; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_directions_have_names():
    assert set(plots.ARROWS) == set(get_args(get_args(plots.Ways)[0]))
