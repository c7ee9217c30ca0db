"""A service with stalls, and what its explorer shows."""

import numpy as np
import pytest

from labs.seminar.ml_systems_metrics import given, schedules


def test_service_times_have_their_stalls():
    rng = np.random.default_rng(0)
    times_us = schedules.service_times_us(1000, stall_us=50_000, stalls=7, rng=rng)
    assert (times_us >= 50_000).sum() == 7
    assert times_us.min() >= 800
    assert np.sort(times_us)[:-7].max() < 1200
    with pytest.raises(ValueError, match="5 stalls in 5 requests"):
        schedules.service_times_us(5, stall_us=1, stalls=5, rng=rng)


def explorer(requests: int = 2000) -> schedules.ScheduleExplorer:
    return schedules.ScheduleExplorer(given.scheduled_latency, given.corrected, requests=requests)


def test_users_wait_longer_than_the_tester_records():
    recorded, waited, repaired = explorer().series(2, 200, stalls=5).values()
    assert all(w >= r for w, r in zip(waited, recorded, strict=True))
    # A stall of 200 ms at a request every 2 ms delays a hundred of them at least.
    assert sum(w > 10_000 for w in waited) > 5 * 100 > 5 == sum(r > 10_000 for r in recorded)
    assert len(repaired) > len(recorded)


def test_without_stalls_all_three_agree():
    recorded, waited, repaired = explorer().series(2, 0, stalls=1).values()
    assert list(waited) == list(recorded)
    assert list(repaired) == sorted(recorded)


def test_the_picture_tells_its_numbers_and_stays_static_without_a_front_end(capsys):
    picture = explorer().picture(2, 200, stalls=5)
    assert "a request every 2 ms, 5 stalls of 200 ms" in picture.alt
    assert picture.png.startswith(b"\x89PNG")


def test_percentiles_in_ms_fall_back_to_the_ends():
    few = schedules.percentile_ms(given.percentile_interval, [1000.0, 2000.0, 9000.0], percent=99)
    # All three lie below p99 with probability 0.97, at least two of them almost surely.
    assert (few.value, few.low, few.high, few.kind) == (9.0, 2.0, 9.0, "modelled")
    many = schedules.percentile_ms(
        given.percentile_interval, [1000.0 * i for i in range(500)], percent=50
    )
    assert many.low < many.value == 249.0 < many.high


def test_what_a_record_says_by_nearest_rank():
    told = schedules.told_about("ten", [1e6 * i for i in range(1, 11)])
    assert told == {"record": "ten", "n": 10, "mean [s]": 5.5, "p75 [s]": 8.0, "p99.99 [s]": 10.0}
