"""What the pictures of loads draw, and what the sliders show."""

import numpy as np
import pytest

from course_utils import plots
from course_utils.records import Result
from labs.seminar.inference_performance import given, load_pictures, published, rates
from labs.seminar.inference_performance.batch_explorer import MOST, BatchExplorer
from labs.seminar.inference_performance.calls import CallCost, Calls
from labs.seminar.inference_performance.runs import Run

EXPLORER = BatchExplorer(given.batched_latencies, 1_000.0, 5.0)


@pytest.fixture
def axes():
    return plots.new_figure(wide=True)[1]


def run(latencies_s, *, batches=None, bound_s=None) -> Run:
    due = np.arange(len(latencies_s)) * 0.1
    batches = batches or (1,) * len(due)
    late = np.zeros(len(batches))
    return Run(
        "Server", due, due + np.asarray(latencies_s), late, batches, most=64, bound_s=bound_s
    )


def test_times_of_calls_and_their_line(axes):
    calls = Calls(("1", "10"), (1, 10), np.array([[2e-5] * 6, [1e-4] * 6]), (1, 1))
    cost = CallCost(
        Result(-1.0, -2.0, 1.0, n=6, kind="measured"),
        Result(10.0, 9.0, 11.0, n=6, kind="measured"),
        np.zeros(2),
    )
    rows = load_pictures.call_times(axes, {"net": (calls, cost)}, title="Calls")
    assert [row["x"] for row in rows] == [1, 10]
    assert [row["y"].value for row in rows] == pytest.approx([20, 100])
    line = axes.lines[0]
    assert line.get_ydata() == pytest.approx(-1 + 10 * line.get_xdata())
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "10"]


def test_distributions_return_the_percentiles_that_n_supports(axes):
    runs = {"few": run(np.full(9, 0.002)), "some": run(np.full(40, 0.004), bound_s=0.01)}
    found = load_pictures.latency_distributions(axes, runs, title="Latencies")
    assert found["few"] == pytest.approx({50: 2})
    assert found["some"] == pytest.approx({50: 4, 90: 4})
    assert axes.lines[0].get_xdata() == pytest.approx([10, 10])


def test_batches_are_weighed_by_their_samples(axes):
    runs = {"busy": run(np.ones(20), batches=(1, 1, 2, 16)), "idle": run(np.ones(2))}
    shares = load_pictures.batch_sizes(axes, runs, title="Batches")
    assert shares == {"busy": {1: 0.1, 2: 0.1, 16: 0.8}, "idle": {1: 1.0}}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "9 to 16"]


@pytest.mark.parametrize(
    ("size", "bin_"), [(1, 1), (8, 8), (9, 16), (16, 16), (17, 32), (64, 64), (65, 128)]
)
def test_sizes_go_by_powers_of_two(size, bin_):
    assert load_pictures._bin(size) == bin_


def test_curves_of_the_explorer_end_before_the_queue_does():
    series = EXPLORER.series(1_000.0, 5.0, percent=50)
    for most, points in zip(MOST, series.values(), strict=True):
        limit = rates.capacity_per_s((1e-3, 5e-6), most=most)
        assert points[-1][0] == pytest.approx(0.9 * limit)
        assert points[0][0] == pytest.approx(0.05 / 1.005e-3)
        assert [x for x, _ in points] == sorted(x for x, _ in points)
        # Nobody is faster than a row alone.
        assert min(y.low for _, y in points) >= 1.005 - 1e-9


def test_the_picture_says_what_it_finds():
    picture = EXPLORER.picture(1_000.0, 5.0, percent=99)
    assert "1,000 us a call, 5 us a row: at 896 rows a second p99 is" in picture.alt
    assert picture.alt == EXPLORER.picture(1_000.0, 5.0, percent=99).alt
    assert "at most 64 up to 43,636 rows a second" in picture.alt


def test_without_a_front_end_a_picture_is_left(capsys):
    EXPLORER._ipython_display_()
    assert "one by one" in capsys.readouterr().out


def test_scenarios_and_stages_are_told_in_full():
    rows = published.scenario_rows()
    assert [row["scenario"] for row in rows] == ["SingleStream", "MultiStream", "Server", "Offline"]
    assert rows[3]["a valid run"] == "24,576 samples and 60 s"
    assert all(all(row.values()) for row in [*rows, *published.pipeline_rows()])
    percents = [each.percent for each in published.SCENARIOS.values()]
    assert percents == [90, 99, 99, None]
    # 33 * 2^13 and 3 * 2^13, as the rules round them.
    assert published.SCENARIOS["Server"].least_queries == 33 * 2**13
    assert published.SCENARIOS["Offline"].least_samples == 3 * 2**13
