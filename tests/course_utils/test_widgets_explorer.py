"""Explorer of records: its points are the records', its picture tells them, its sliders redraw."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import records, widgets
from course_utils.errors import CourseUtilsError, MeasurementError


def measured(value, low=None, high=None, kind="measured"):
    low, high = value if low is None else low, value if high is None else high
    return {"value": value, "low": low, "high": high, "n": 6, "kind": kind}


def record(parameters, **results):
    return {"parameters": parameters, "results": results, "provenance": {"data": ["digits"]}}


RUNS = [
    record({"width": w, "bits": b, "name": "x"}, latency_ms=measured(w * b), top1=measured(w / 10))
    for w in (1, 2)
    for b in (8, 4)
]


def explore(**chosen):
    return widgets.explore_records(RUNS, x="latency_ms", y="top1", chosen=chosen)


def test_what_can_be_chosen():
    assert explore().choices == {"width": [1, 2], "bits": [4, 8]}  # not the name: always x


def test_the_points_are_those_records_and_no_others():
    assert [(x.value, y.value) for _, x, y in explore().points()] == [
        (8, 0.1), (4, 0.1), (16, 0.2), (8, 0.2),
    ]  # fmt: skip
    assert [run for run, _, _ in explore(width=2).points()] == [
        "width=2, bits=8, name=x", "width=2, bits=4, name=x",
    ]  # fmt: skip
    assert [x.value for _, x, _ in explore(width=2, bits=4).points()] == [8]
    by_width = widgets.explore_records(RUNS, x="width", y="top1", chosen={"bits": 4})
    assert [x.value for _, x, _ in by_width.points()] == [1, 2]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from(["a", "b"]),
            st.one_of(st.none(), st.floats(-1e9, 1e9)),
        ),
        min_size=1,
        max_size=12,
    ),
    st.data(),
)
def test_nothing_is_invented(rows, data):
    """Oracle: the rows themselves, filtered by hand."""
    runs = [
        record({"n": n, "kind": kind}, **({} if value is None else {"y": measured(value)}))
        for n, kind, value in rows
    ]
    if all(value is None for _, _, value in rows):
        with pytest.raises(MeasurementError, match="no record has a number 'y'"):
            widgets.explore_records(runs, x="n", y="y")
        return
    choices = widgets.explore_records(runs, x="n", y="y").choices
    names = data.draw(st.sets(st.sampled_from([*choices]))) if choices else ()
    chosen = {name: data.draw(st.sampled_from(choices[name]), label=name) for name in names}
    explorer = widgets.explore_records(runs, x="n", y="y", chosen=chosen)
    assert [(x.value, y.value) for _, x, y in explorer.points()] == [
        (n, value)
        for n, kind, value in rows
        if value is not None and chosen.get("n", n) == n and chosen.get("kind", kind) == kind
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": "latency"}, "number 'latency'; there is bits, latency_ms, name, top1, width"),
        ({"y": "name"}, "no record has a number 'name'"),
        ({"chosen": {"name": "x"}}, r"no choice name = 'x'; there is {'width': \[1, 2\], 'bits'"),
        ({"chosen": {"bits": 2}}, r"no choice bits = 2; there is .*'bits': \[4, 8\]"),
    ],
)
def test_what_is_not_there_cannot_be_chosen(changes, message):
    with pytest.raises(MeasurementError, match=message):
        widgets.explore_records(RUNS, **{"x": "latency_ms", "y": "top1", **changes})


def test_no_records_at_all():
    with pytest.raises(MeasurementError, match="there is nothing"):
        widgets.explore_records([], x="a", y="b")


def test_the_picture_tells_its_points_and_names_its_data(monkeypatch):
    explorer = explore(width=2)
    figures = []
    show = widgets.plots.show
    monkeypatch.setattr(
        widgets.plots, "show", lambda figure, **k: figures.append(figure) or show(figure, **k)
    )
    picture = explorer.picture()
    assert repr(picture) == (
        "top1 against latency_ms, 2 of 4 records, width = 2: "
        "16 ms, 0.2 (width=2, bits=8, name=x); 8 ms, 0.2 (width=2, bits=4, name=x)"
    )
    axes = figures[0].axes[0]
    assert axes.get_xlabel() == "latency_ms [ms]"
    assert "digits" in figures[0].get_supxlabel()
    (line, _, _) = axes.containers[0]
    assert line.get_xydata().tolist() == [[16.0, 0.2], [8.0, 0.2]]
    assert picture.png == explorer.picture().png


def test_a_modelled_axis_says_so_and_intervals_are_drawn(monkeypatch):
    """Energy modelled from time is no axis of its own."""
    runs = [record({}, energy_mj=measured(2.0, 1.0, 4.0, kind="modelled"), top1=measured(0.5))]
    figures = []
    show = widgets.plots.show
    monkeypatch.setattr(
        widgets.plots, "show", lambda figure, **k: figures.append(figure) or show(figure, **k)
    )
    widgets.explore_records(runs, x="energy_mj", y="top1").picture()
    axes = figures[0].axes[0]
    assert axes.get_xlabel() == "energy_mj [mJ], modelled"
    (_, _, bars) = axes.containers[0]
    assert bars[0].get_segments()[0].tolist() == [[1.0, 0.5], [4.0, 0.5]]


def test_many_points_are_not_all_told():
    runs = [record({"n": n}, y=measured(n)) for n in range(25)]
    text = repr(widgets.explore_records(runs, x="n", y="y").picture())
    assert text.count("(n=") == 20
    assert text.endswith("; and 5 more")


def test_static_explorer_shows_one_picture(shown):
    explore()._ipython_display_()
    ((_, text, is_update),) = shown.calls
    assert text.startswith("top1 against latency_ms, 4 of 4 records")
    assert not is_update


def test_sliders_replot_into_the_picture_that_stays(shown, monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "0")
    explore(width=2)._ipython_display_()
    (_, picture, _), (box, _, _) = shown.calls
    assert "2 of 4 records, width = 2" in picture
    sliders = {slider.description: slider for slider in box.children}
    assert list(sliders) == ["width", "bits"]
    assert sliders["bits"].options == ("all", 4, 8)
    assert (sliders["width"].value, sliders["bits"].value) == (2, "all")
    sliders["bits"].value = 8
    sliders["width"].value = "all"
    assert [(text.split(":")[0], is_update) for _, text, is_update in shown.calls[2:]] == [
        ("top1 against latency_ms, 1 of 4 records, width = 2, bits = 8", True),
        ("top1 against latency_ms, 2 of 4 records, bits = 8", True),
    ]


# Folders and tables


@pytest.fixture
def sweep(tmp_path):
    """Four runs of alpha and seed: two ended well, one failed with a result, one is not over."""
    runs, more = [], {"strategy": "fedavg", "epochs": 3}
    for number, state in enumerate(["ok", "failed", "ok", None]):
        parameters = {"alpha": 0.5 * number, "seed": number}
        runs.append({"id": str(number), "parameters": parameters, "origin": "", "purpose": "asked"})
        if state is None:
            continue
        place = tmp_path / "runs" / str(number)
        place.mkdir(parents=True)
        made = record({**more, **parameters}, top1=measured(0.5 + number / 10, 0.4, 0.9))
        records.write_record({"lab": "toy", "status": state, **made}, place / "notebook.json")
    content = {"target": "toy", "origin": "", "runs": runs}
    (tmp_path / "sweep.json").write_text(json.dumps(content))
    return tmp_path


@pytest.mark.parametrize("read", [lambda path: path, str, records.load, records.read_records])
def test_a_sweep_is_opened_and_what_is_not_drawn_is_counted(sweep, read):
    explorer = widgets.explore_records(read(sweep), x="alpha", y="top1", chosen={"alpha": 1.0})
    assert explorer.choices == {"alpha": [0.0, 1.0], "seed": [0, 2]}  # not what the sweep holds
    ((_, x, y),) = explorer.points()
    assert (x.value, y.value, y.low, y.high, y.n, y.kind) == (1.0, 0.7, 0.4, 0.9, 6, "measured")
    assert repr(explorer.picture()).startswith(
        "top1 against alpha, 1 of 2 records (1 failed, 1 not over), alpha = 1.0: 1, 0.7 [0.4, 0.9]"
    )


def test_the_figure_of_a_sweep_names_its_data(sweep, monkeypatch):
    named = []
    new = widgets.plots.new_figure
    monkeypatch.setattr(
        widgets.plots, "new_figure", lambda **k: named.append(k["data"]) or new(**k)
    )
    for source in (sweep, records.load(sweep)):
        widgets.explore_records(source, x="alpha", y="top1").picture()
    assert named == ["digits", "digits"]


def test_a_table_may_be_filtered_and_extended(sweep):
    table = records.load(sweep)
    table = table[table["seed"] != 0].assign(double=lambda t: 2 * t["top1"])
    explorer = widgets.explore_records(table, x="seed", y="double")
    assert [(x.value, y.value) for _, x, y in explorer.points()] == [(2, 1.4)]
    plain = widgets.explore_records(table[["seed", "double"]], x="seed", y="double")
    assert [x.value for _, x, _ in plain.points()] == [1, 2]  # without a status all are drawn


def test_a_sweep_has_sliders_for_what_it_sweeps(sweep, shown, monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "0")
    widgets.explore_records(sweep, x="alpha", y="top1")._ipython_display_()
    (_, picture, _), (box, _, _) = shown.calls
    assert "2 of 2 records (1 failed, 1 not over): " in picture
    assert [slider.description for slider in box.children] == ["alpha", "seed"]
    box.children[1].value = 2
    assert "1 of 2 records (1 failed, 1 not over), seed = 2: 1, 0.7" in shown.calls[-1][1]


def test_a_sweep_shows_one_picture_without_a_front_end(sweep, shown):
    widgets.explore_records(sweep, x="seed", y="top1")._ipython_display_()
    assert [is_update for *_, is_update in shown.calls] == [False]


def test_a_sweep_without_a_run_that_ended_well(sweep):
    for number in "02":
        (sweep / "runs" / number / "notebook.json").unlink()
    with pytest.raises(MeasurementError, match=r"there is nothing \(1 failed, 3 not over\)$"):
        widgets.explore_records(sweep, x="alpha", y="top1")


def test_a_folder_without_records_is_one_line(tmp_path):
    with pytest.raises(CourseUtilsError, match=r"^[^\n]* holds no sweep and no record; give the"):
        widgets.explore_records(str(tmp_path / "swep"), x="alpha", y="top1")
