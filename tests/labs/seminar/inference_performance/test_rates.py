"""Rates against queueing theory and against plain scans."""

import numpy as np
import pytest

from labs.seminar.inference_performance import given, rates
from labs.seminar.inference_performance.runs import Run


def test_one_by_one_it_is_the_queue_of_pollaczek_and_khinchine():
    """M/D/1: the mean wait is rho * service / (2 * (1 - rho))."""
    service_s = 0.003
    for rho in (0.3, 0.7):
        waits = [
            np.mean(given.batched_latencies(unit / (rho / service_s), 0.001, 0.002, 1)[1000:])
            - service_s
            for unit in rates.unit_arrivals(6_000, draws=40)
        ]
        want = rho * service_s / (2 * (1 - rho))
        # 40 independent runs: five standard errors of their mean.
        assert np.mean(waits) == pytest.approx(want, abs=5 * np.std(waits, ddof=1) / np.sqrt(40))


def test_the_capacity_is_where_a_queue_begins_to_grow():
    cost = (0.002, 0.0005)
    limit = rates.capacity_per_s(cost, most=4)
    assert limit == pytest.approx(1000)
    (unit,) = rates.unit_arrivals(20_000, draws=1)
    below, above = (
        np.array(given.batched_latencies(unit / (load * limit), *cost, 4)) for load in (0.9, 1.1)
    )
    assert below[10_000:].mean() < 3 * below[:10_000].mean()
    # Above it 0.1 rows a row are left over: the last of 20,000 waits for some 2,000 rows.
    assert above[-1] == pytest.approx(0.1 / 1.1 * 20_000 / limit, rel=0.25)


@pytest.mark.parametrize(("cost", "most"), [((0.0, 0.0), 1), ((-0.1, 1.0), 1), ((0.1, 0.0), 0)])
def test_costs_that_make_no_server_are_refused(cost, most):
    with pytest.raises(ValueError, match="give costs >= 0"):
        rates.capacity_per_s(cost, most=most)


def test_the_highest_rate_lies_where_a_scan_finds_it():
    cost, most, bound_s = (0.001, 0.0002), 2, 0.006
    found = rates.highest_rate(given.batched_latencies, cost, most=most, bound_s=bound_s)
    limit = rates.capacity_per_s(cost, most=most)
    arrivals = rates.unit_arrivals(rates.FEWEST_QUERIES)

    def keeping(rate):
        tails = [
            np.sort(given.batched_latencies(unit / rate, *cost, most))[1979] for unit in arrivals
        ]
        return sum(tail <= bound_s for tail in tails)

    step = limit / 2**rates.STEPS
    assert keeping(found.low) == 6
    assert keeping(found.high + 1.01 * step) == 0
    assert 0 < keeping((found.low + found.high) / 2) < 6
    assert found.low <= found.value <= found.high < limit
    assert (found.n, found.kind) == (6, "modelled")


def test_a_looser_bound_and_a_larger_batch_never_lower_the_rate():
    cost = (0.001, 0.0001)
    by_bound = [
        rates.highest_rate(given.batched_latencies, cost, most=1, bound_s=b).value
        for b in (0.0012, 0.003, 0.009)
    ]
    by_most = [
        rates.highest_rate(given.batched_latencies, cost, most=m, bound_s=0.005).value
        for m in (1, 4, 16)
    ]
    assert by_bound == sorted(by_bound)
    assert by_most == sorted(by_most)


def test_a_row_that_takes_too_long_alone_leaves_no_rate():
    found = rates.highest_rate(given.batched_latencies, (0.01, 0.001), most=8, bound_s=0.0109)
    assert (found.low, found.value, found.high) == (0, 0, 0)
    with pytest.raises(ValueError, match="bound_s is 0"):
        rates.highest_rate(given.batched_latencies, (0.01, 0.001), most=8, bound_s=0)


def test_a_bound_without_end_is_kept_up_to_the_capacity():
    found = rates.highest_rate(given.batched_latencies, (0.01, 0.001), most=8, bound_s=1e9)
    assert found.low == found.high == rates.capacity_per_s((0.01, 0.001), most=8)


def test_latency_at_rates_leaves_out_what_cannot_last():
    arrivals = rates.unit_arrivals(400)
    points = rates.latency_ms(
        given.batched_latencies,
        (0.0, 0.01),
        most=1,
        rates_per_s=[1e-3, 50.0, 100.0, 200.0],
        arrivals=arrivals,
        percent=50,
    )
    assert [rate for rate, _ in points] == [1e-3, 50.0]
    assert points[0][1].value == pytest.approx(10)
    assert points[1][1].value > 10


def test_what_was_told_beside_what_was_measured():
    due = rates.unit_arrivals(400, draws=1)[0] / 100
    told = np.array(given.batched_latencies(due, 0.004, 0.001, 3))
    run = Run("Server", due, due + 2 * told, np.zeros(400), (1,) * 400, most=3)
    first, *rows = rates.told_beside(given.batched_latencies, (0.004, 0.001), run=run)
    assert (first["what"], first["told [ms]"]) == ("mean of a call", pytest.approx(5))
    assert [row["what"] for row in rows] == [f"p{p} of latency" for p in (50, 90, 99)]
    assert [row["measured / told"] for row in rows] == pytest.approx([2, 2, 2])
    alone = Run("SingleStream", due, due + told, np.zeros(400), (1,) * 400)
    with pytest.raises(ValueError, match="the run is of the scenario SingleStream"):
        rates.told_beside(given.batched_latencies, (0.004, 0.001), run=alone)
