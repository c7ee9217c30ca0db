"""How often intervals hold the truth."""

import numpy as np
import pytest

from labs.seminar.ml_systems_metrics import given, promises


def test_order_statistics_keep_their_promise_and_refuse_below_it():
    rng = np.random.default_rng(0)
    kept = promises.kept_promises(
        given.percentile_interval, 90, sizes=(35, 36, 200), trials=150, rng=rng
    )
    # 36 is the fewest for both sides of p90.
    assert [n for n, _ in kept["order statistics"]] == [36, 200]
    assert [n for n, _ in kept["bootstrap"]] == [35, 36, 200]
    for _, share in kept["order statistics"]:
        # At least 95 % of records: of 150 fewer than 133 would be seen once in a thousand times.
        assert share.value >= 133 / 150
        assert (share.n, share.kind) == (150, "modelled")


def test_an_interval_that_never_holds_is_seen_at_once():
    rng = np.random.default_rng(0)
    kept = promises.kept_promises(
        lambda x, p, level: (0, 0.0, 0.1), 90, sizes=(20,), trials=9, rng=rng
    )
    assert kept["order statistics"][0][1].value == 0


def test_rows_of_percentiles_say_none_where_there_is_none():
    rows = promises.percentile_rows(given.percentile_interval, list(range(100)), sizes=(20, 100))
    assert len(rows) == 6
    assert rows[0] == {
        "percentile": "p50",
        "n": 20,
        "value [us]": "9.0",
        "low": "5.0",
        "high": "14.0",
    }
    p99 = rows[-1]
    assert (p99["value [us]"], p99["high"]) == ("98.0", "none")


def test_the_largest_sample_of_few_is_no_p99():
    value, _, high = given.percentile_interval(np.arange(50), 99, 0.95)
    assert (value, high) == (49, None)
    assert given.fewest_samples(99, 0.95) == pytest.approx(368)
