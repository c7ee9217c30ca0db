"""Calls timed by a clock of the test's own, lines through them, and the parts of a forest."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from course_utils.records import Result
from labs.seminar.inference_performance import calls, given

ROWS = np.arange(60.0, dtype=np.float32).reshape(20, 3)


class Clock:
    """Passes only when a system works; each look reads the same."""

    def __init__(self, monkeypatch) -> None:
        self.now_s, self.asked = 5.0, []
        monkeypatch.setattr(calls.time, "perf_counter", lambda: self.now_s)

    def system(self, overhead_s, work_s, noise=lambda: 1.0):
        def classify(rows):
            self.asked.append(rows)
            self.now_s += (overhead_s + len(rows) * work_s) * noise()

        return classify


def test_times_are_those_of_the_calls(monkeypatch):
    clock = Clock(monkeypatch)
    found = calls.measure_sizes(
        clock.system(50e-6, 3e-6),
        ROWS,
        sizes=(1, 4, 100),
        repeats=6,
        rng=np.random.default_rng(0),
    )
    assert found.samples_s.shape == (3, 6)
    assert found.medians_s == pytest.approx([53e-6, 62e-6, 350e-6])
    assert found.rows == (1, 4, 100)
    assert found.names == ("1", "4", "100")
    # A sample lasts 0.1 ms at least: two calls of 53 us, two of 62, one of 350.
    assert found.calls_per_sample == (2, 2, 1)
    assert found.results_us[2].value == pytest.approx(350)
    assert {tuple(row) for batch in clock.asked for row in batch} <= {tuple(row) for row in ROWS}


def test_a_short_call_sees_other_rows_each_time(monkeypatch):
    clock = Clock(monkeypatch)
    fast = clock.system(1e-6, 0.0)
    rng = np.random.default_rng(0)
    found = calls.measure_sizes(fast, ROWS, sizes=(2,), repeats=5, rng=rng)
    assert found.calls_per_sample == (128,)
    last = [batch.tobytes() for batch in clock.asked[-128:]]
    assert len(set(last)) > 50
    assert all(batch.flags.c_contiguous for batch in clock.asked)


def test_sizes_come_in_a_new_order_in_every_round(monkeypatch):
    clock = Clock(monkeypatch)
    slow = clock.system(1.0, 0.0)
    rng = np.random.default_rng(1)
    calls.measure_sizes(slow, ROWS, sizes=(1, 2, 3), repeats=8, rng=rng)
    rounds = np.array([len(batch) for batch in clock.asked[-48:]]).reshape(8, 6)[:, ::2]
    assert {tuple(sorted(each)) for each in rounds.tolist()} == {(1, 2, 3)}
    assert len({tuple(each) for each in rounds.tolist()}) > 2


def test_the_line_is_found_with_its_interval(monkeypatch):
    clock, noise = Clock(monkeypatch), np.random.default_rng(2)
    shaky = clock.system(500e-6, 20e-6, lambda: 1 + 0.02 * noise.random())
    found = calls.measure_sizes(
        shaky, ROWS, sizes=(1, 8, 64), repeats=9, rng=np.random.default_rng(3)
    )
    cost = calls.fit_cost(
        found, given.overhead_and_work, rng=np.random.default_rng(4), resamples=300
    )
    # Noise adds 0 to 2 % to each time, so to both costs, up to what the sizes share out.
    assert cost.overhead_us.value == pytest.approx(505, rel=0.03)
    assert cost.work_us.value == pytest.approx(20.2, rel=0.03)
    for result in (cost.overhead_us, cost.work_us):
        assert result.low < result.value < result.high
        assert (result.n, result.kind) == (9, "measured")
    assert cost.worst_error < 0.02
    assert cost.even_rows == pytest.approx(25, rel=0.05)
    assert cost.usable_s == pytest.approx((505e-6, 20.2e-6), rel=0.03)
    assert cost.row("net")["program"] == "net"


def measured(value):
    return Result(value, value - 1, value + 1, n=9, kind="measured")


def test_costs_below_zero_are_told_and_cut_off_for_a_server():
    cost = calls.CallCost(measured(-2.0), measured(0.5), np.array([0.1, -0.3]))
    assert cost.usable_s == (0.0, 0.5e-6)
    assert cost.even_rows == 0
    assert cost.worst_error == 0.3
    assert calls.CallCost(measured(7.0), measured(-0.5), np.zeros(2)).even_rows == float("inf")
    with pytest.raises(ValueError, match="both below 0"):
        _ = calls.CallCost(measured(-2.0), measured(-0.5), np.zeros(2)).usable_s


def test_parts_are_differences_of_the_same_rounds(monkeypatch):
    clock = Clock(monkeypatch)
    ways = {"whole": clock.system(0.010, 0.0), "part": clock.system(0.004, 0.0)}
    found = calls.measure_ways(ways, ROWS, size=1, repeats=6, rng=np.random.default_rng(0))
    assert found.share_us("whole", "part").value == pytest.approx(6000)
    rows = calls.part_rows(found)
    assert [row["what runs"] for row in rows] == ["whole", "part"]
    assert rows[0]["of it beyond the next line"] == "6,000 us"
    assert rows[1]["of it beyond the next line"] == "-"


def test_the_ways_of_a_forest_do_the_same_work():
    rng = np.random.default_rng(0)
    x, y = rng.random((80, 5)).astype(np.float32), rng.integers(0, 3, 80)
    forest = RandomForestClassifier(4, max_depth=3, random_state=0).fit(x, y)
    ways = calls.forest_ways(forest)
    assert (ways["forest.predict"](x) == forest.predict(x)).all()
    scores = ways["forest.predict_proba"](x)
    assert ways["predict_proba of each tree"](x) / 4 == pytest.approx(scores, abs=1e-12)
    assert ways["walks of the trees alone"](x) is None
    found = calls.measure_ways(ways, x, size=1, repeats=5, rng=rng)
    assert (found.samples_s > 0).all()
    assert len(calls.part_rows(found)) == 4


@pytest.mark.parametrize(("sizes", "repeats"), [((1,), 4), ((0, 2), 9)])
def test_what_cannot_be_measured_is_refused(sizes, repeats):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="give 5 repeats or more"):
        calls.measure_sizes(lambda rows: None, ROWS, sizes=sizes, repeats=repeats, rng=rng)
