"""The simulated device against a queue worked out by hand and by a plain model of one."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.gpu_training.simulated_device import LAUNCH_MS, START_MS, SimulatedDevice

EIGHTHS = st.integers(0, 800).map(lambda n: n / 8)


def test_work_comes_back_at_once_and_synchronize_waits_for_the_queue() -> None:
    device = SimulatedDevice([24.0, 8.0, 4.0], queued_ms=10.0)
    device.work()
    assert device.clock() == START_MS + LAUNCH_MS
    device.synchronize()
    assert device.clock() == START_MS + 10 + 24
    device.synchronize()
    assert device.clock() == START_MS + 34  # an idle device is awaited in no time
    assert device.busy == [(START_MS + 10, START_MS + 34)]


def test_jobs_handed_over_together_run_one_after_the_other() -> None:
    device = SimulatedDevice([24.0, 8.0, 4.0])
    for _ in range(4):
        device.work()
    assert device.calls == 4
    assert [end - start for start, end in device.busy] == [24, 8, 4, 4]
    assert all(a[1] == b[0] for a, b in zip(device.busy, device.busy[1:], strict=False))
    assert device.durations_ms(1, 3) == [8.5, 4.5, 4.5]


def test_a_device_without_jobs_is_refused() -> None:
    with pytest.raises(ValueError, match="costs_ms is empty; give the cost of at least one job"):
        SimulatedDevice([])


@settings(deadline=None, max_examples=50)
@given(
    costs=st.lists(EIGHTHS, min_size=1, max_size=9),
    queued=EIGHTHS,
    waits=st.lists(st.booleans(), min_size=9, max_size=9),
)
def test_time_is_exact_and_no_job_is_lost(
    costs: list[float], queued: float, waits: list[bool]
) -> None:
    device = SimulatedDevice(costs, queued_ms=queued)
    now, free = Fraction(START_MS), Fraction(START_MS) + Fraction(queued)
    for cost, wait in zip(costs, waits, strict=False):
        device.work()
        now += Fraction(LAUNCH_MS)
        free = max(now, free) + Fraction(cost)
        if wait:
            device.synchronize()
            now = max(now, free)
        assert Fraction(device.clock()) == now
    assert Fraction(device.busy[-1][1]) == free
