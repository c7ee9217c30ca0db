"""The stand-ins of exercise 2.1 on the simulated device, and against scipy's binomial."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from labs.engine.student import local_student
from labs.gpu_training.checks import timing as checks
from labs.gpu_training.given import timing as stand_ins
from labs.gpu_training.simulated_device import SimulatedDevice


@settings(deadline=None, max_examples=50)
@given(
    costs=st.lists(st.integers(1, 800).map(lambda n: n / 8), min_size=1, max_size=6),
    queued=st.integers(0, 800),
    warmup=st.integers(0, 4),
    repeats=st.integers(1, 6),
)
def test_every_duration_is_exact(
    costs: list[float], queued: float, warmup: int, repeats: int
) -> None:
    device = SimulatedDevice(costs, queued_ms=queued)
    parts = (device.work, device.synchronize, device.clock)
    got = stand_ins.time_calls(*parts, warmup, repeats)
    assert got == device.durations_ms(warmup, repeats)
    checks.judge_durations(got, device, warmup=warmup, repeats=repeats)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(1e-3, 1e3), min_size=6, max_size=60))
def test_the_interval_is_the_narrowest_that_keeps_its_promise(times: list[float]) -> None:
    _, low, high = stand_ins.median_interval(times)
    n, ordered = len(times), sorted(times)
    rank = max(i for i in range(n) if 2 * special.bdtr(i, n, 0.5) <= 0.05)
    assert (low, high) == (ordered[rank], ordered[n - 1 - rank])


@pytest.mark.parametrize(("n", "rank"), [(6, 1), (8, 1), (9, 2), (12, 3), (20, 6), (100, 40)])
def test_the_ranks_in_the_checks_are_those_of_the_binomial(n: int, rank: int) -> None:
    assert 2 * special.bdtr(rank - 1, n, 0.5) <= 0.05 < 2 * special.bdtr(rank, n, 0.5)
    times = [float(i * i) for i in range(1, n + 1)]
    checks.judge_interval(stand_ins.median_interval(times), times, rank=rank)


def test_five_times_are_too_few() -> None:
    with pytest.raises(ValueError, match=r"5 times; an interval of 95 % needs 6"):
        stand_ins.median_interval([1.0] * 5)


@pytest.mark.parametrize(
    ("got", "message"),
    [
        ([0.5, 0.5, 0.5], "time to hand the work over"),
        ([14.5, 4.5, 4.5], "still busy with something else"),
        ([4.5, 4.5], "yours has the shape"),
        (4.5, "a list of 3 durations is asked for"),
        ([4.5, 4.5, 5.0], "the durations should be"),
    ],
)
def test_a_wrong_duration_is_told_from_its_cause(got: object, message: str) -> None:
    device = SimulatedDevice([4.0], queued_ms=10.0)
    parts = (device.work, device.synchronize, device.clock)
    stand_ins.time_calls(*parts, 0, 3)
    with pytest.raises(AssertionError, match=message):
        checks.judge_durations(got, device, warmup=0, repeats=3)


def test_work_that_is_not_called_and_a_clock_that_is_not_read_are_noticed() -> None:
    device = SimulatedDevice([4.0])
    with pytest.raises(AssertionError, match="work is called 3 times; you called it 0 times"):
        checks.judge_durations([4.5] * 3, device, warmup=0, repeats=3)
    for _ in range(3):
        device.work()
    with pytest.raises(AssertionError, match="you read it 0 times"):
        checks.judge_durations([4.5] * 3, device, warmup=0, repeats=3)


def test_a_check_times_through_callbacks() -> None:
    student = local_student(vars(stand_ins))
    device = SimulatedDevice([4.0], queued_ms=10.0)
    assert checks.timed(student, device, warmup=1, repeats=2) == [4.5, 4.5]
