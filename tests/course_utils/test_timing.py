"""Timing: what a clock that obeys the test shows, statistics against numpy, one real smoke run.

Nothing here depends on how fast the machine is: the clock moves only when a test moves it.
"""

import ast
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils import timing
from course_utils.errors import MeasurementError


@dataclass
class Clock:
    """A clock that stands still until `work` moves it."""

    now_s: float = 100.0
    calls: int = 0

    def __call__(self):
        return self.now_s

    def work(self, duration_s):
        def function():
            self.calls += 1
            self.now_s += duration_s

        return function


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timing, "perf_counter", clock)
    return clock


def a_latency(samples_ms, *, calls=1, calibration_ms=(1.0, 1.0), warmup_calls=3):
    return timing.Latency(
        samples_ms=tuple(samples_ms),
        device="cpu",
        calls_per_sample=calls,
        warmup_calls=warmup_calls,
        calibration_ms=calibration_ms,
    )


# How many samples


def test_slow_calls_stop_at_the_fewest_runs(clock):
    taken = timing.latency(clock.work(0.2))
    assert taken.n == 5  # 5 x 0.2 s are more than 0.5 s
    assert clock.calls == 3 + 5
    assert taken.samples_ms == pytest.approx([200.0] * 5)


def test_fast_calls_go_on_for_half_a_second(clock):
    taken = timing.latency(clock.work(0.0078125))  # 2**-7 s: sums are exact
    assert taken.n == 64
    assert taken.calls_per_sample == 1


@pytest.mark.parametrize(
    ("call_s", "warmup_calls", "n"),
    [
        # 30 s hold: 1 warm-up call and 5 samples of 5 s; a second warm-up call would cost a sample
        (5.0, 1, 5),
        # warm-up to 8 s, samples to 16 and 24; another would end at 32 s
        (8.0, 1, 2),
        (15.0, 1, 1),
        # a warm call would end at 32 s or later: the first call is all there is
        (16.0, 0, 1),
        (40.0, 0, 1),
    ],
)
def test_thirty_seconds_are_the_end(clock, call_s, warmup_calls, n):
    start_s = clock.now_s
    taken = timing.latency(clock.work(call_s))
    assert (taken.warmup_calls, taken.n) == (warmup_calls, n)
    assert clock.now_s - start_s <= max(30.0, call_s)  # one call is never interrupted
    assert taken.median_ms == pytest.approx(1000 * call_s)


@given(
    call_s=st.floats(1e-5, 50.0),
    warmup=st.integers(1, 5),
    min_runs=st.integers(1, 12),
    max_elapsed_s=st.floats(0.5, 60.0),
)
def test_limits_hold_for_any_call(call_s, warmup, min_runs, max_elapsed_s):
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "perf_counter", clock)
        taken = timing.latency(
            clock.work(call_s),
            warmup=warmup,
            min_runs=min_runs,
            min_elapsed_s=0.5,
            max_elapsed_s=max_elapsed_s,
        )
    elapsed_s = clock.now_s - 100.0
    # A sample of short calls lasts up to twice 0.1 ms; the first one is taken without asking.
    slack_s = 1e-3 if call_s < timing.MIN_SAMPLE_S else 0.0
    assert elapsed_s <= max(max_elapsed_s + slack_s, call_s) + 1e-6
    assert taken.n >= min_runs or elapsed_s + 2 * max(call_s, 2e-4) > max_elapsed_s
    assert taken.samples_ms == pytest.approx([1000 * call_s] * taken.n, rel=1e-6)


def test_one_cold_call_says_so_and_claims_nothing(clock):
    taken = timing.latency(clock.work(40.0))
    assert "first call, not warmed up" in repr(taken)
    with pytest.raises(MeasurementError, match="n = 1"):
        taken.result()


# Calls below the resolution of the clock


def test_short_calls_share_a_sample(clock):
    taken = timing.latency(clock.work(1e-6))
    assert taken.calls_per_sample == 128  # the first power of two that lasts 100 us
    assert taken.median_ms == pytest.approx(1e-3)
    assert taken.n > 299
    assert taken.percentiles == {}
    assert "of 128 calls each" in repr(taken)


def test_a_coarse_clock_still_gives_the_right_time(clock, monkeypatch):
    tick_s = 1e-6
    monkeypatch.setattr(timing, "perf_counter", lambda: clock.now_s // tick_s * tick_s)
    taken = timing.latency(clock.work(3e-7))
    # A sample is off by at most one tick in 0.1 ms.
    assert taken.median_ms == pytest.approx(3e-4, rel=0.01)


def test_a_call_just_long_enough_is_timed_alone(clock):
    assert timing.latency(clock.work(1.01e-4)).calls_per_sample == 1


def test_a_slow_first_call_does_not_hide_that_calls_are_short(clock):
    durations_s = iter([2.0])

    def function():
        clock.now_s += next(durations_s, 1e-6)

    taken = timing.latency(function)
    assert taken.calls_per_sample == 128
    assert taken.median_ms == pytest.approx(1e-3)


# Statistics, against numpy


times_ms = st.lists(st.floats(0.01, 1e4), min_size=1, max_size=400)


@given(times_ms)
def test_statistics_agree_with_numpy(samples_ms):
    taken = a_latency(samples_ms)
    assert taken.median_ms == pytest.approx(np.median(samples_ms))
    quartiles = np.percentile(samples_ms, [25, 75])
    assert taken.iqr_ms == pytest.approx(quartiles[1] - quartiles[0], abs=1e-9)
    for percent, value_ms in taken.percentiles.items():
        assert value_ms == np.percentile(samples_ms, percent, method="inverted_cdf")


@pytest.mark.parametrize(
    ("n", "percents"),
    [(28, []), (29, [90]), (58, [90]), (59, [90, 95]), (298, [90, 95]), (299, [90, 95, 99])],
)
def test_percentiles_appear_only_where_n_supports_them(n, percents):
    assert list(a_latency(range(1, n + 1)).percentiles) == percents


def test_result_is_the_median_in_ms_with_its_interval():
    result = a_latency([5.1, 5.0, 5.2, 9.9, 5.1, 5.3]).result()
    assert (result.value, result.low, result.high, result.n) == (5.15, 5.0, 9.9, 6)
    assert result.kind == "measured"


# Noise


def test_spread_above_a_fifth_of_the_median_is_noisy():
    assert not a_latency([8, 9, 10, 11, 12]).noisy  # median 10, quartiles 9 and 11: just a fifth
    wide = a_latency([7, 8.5, 10, 11.5, 13])
    assert wide.noisy
    assert "IQR" in wide.noisy_reason
    assert wide.noisy_reason in repr(wide)


@pytest.mark.parametrize("calibration_ms", [(1.0, 1.2), (1.2, 1.0)])
def test_a_calibration_loop_that_changes_is_noisy(calibration_ms):
    taken = a_latency([1.0] * 6, calibration_ms=calibration_ms)
    assert "calibration loop" in taken.noisy_reason
    assert not a_latency([1.0] * 6, calibration_ms=(1.0, 1.1)).noisy


def test_the_calibration_loop_is_timed_before_and_after(clock, monkeypatch):
    loops_ms = iter([1.0, 2.0])
    monkeypatch.setattr(timing, "calibration_loop_ms", lambda: next(loops_ms))
    taken = timing.latency(clock.work(0.2))
    assert taken.calibration_ms == (1.0, 2.0)
    assert taken.noisy


# Throughput


def test_throughput_counts_items_of_many_calls(clock):
    taken = timing.throughput(clock.work(0.001), items_per_call=32)
    assert taken.median_items_per_s == pytest.approx(32_000)
    assert taken.calls_per_sample == 32  # the first power of two that lasts 0.5 s / 20
    assert taken.n == 16
    assert taken.result().value == pytest.approx(32_000)


def test_throughput_of_a_slow_call(clock):
    taken = timing.throughput(clock.work(2.0), items_per_call=10)
    assert (taken.n, taken.calls_per_sample) == (5, 1)
    assert taken.result().value == pytest.approx(5.0)


# Devices


class Device:
    """A device that works off calls only when it is awaited, as a GPU does."""

    def __init__(self, clock, monkeypatch, *, count=1):
        self.clock, self.queued_s, self.waits = clock, 0.0, []
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "synchronize", self.synchronize)

    def synchronize(self, device):
        self.waits.append(device)
        self.clock.now_s += self.queued_s
        self.queued_s = 0.0

    def enqueue(self, duration_s):
        def function():
            self.queued_s += duration_s

        return function


def test_the_device_is_awaited(clock, monkeypatch):
    device = Device(clock, monkeypatch)
    taken = timing.latency(device.enqueue(0.25), device=torch.device("cuda"))
    assert taken.samples_ms == pytest.approx([250.0] * 5)
    assert set(device.waits) == {"cuda"}


def test_work_given_before_is_not_counted(clock, monkeypatch):
    device = Device(clock, monkeypatch)
    device.enqueue(1000.0)()
    taken = timing.latency(device.enqueue(0.25), device="cuda", warmup=1)
    assert max(taken.samples_ms) == pytest.approx(250.0)


def test_latency_awaits_each_call_and_throughput_each_run(clock, monkeypatch):
    device = Device(clock, monkeypatch)
    taken = timing.throughput(device.enqueue(0.001), 1, device="cuda")
    waits_per_run = len(device.waits) / (taken.n + 3)
    assert waits_per_run < 4  # two a run, and those of choosing the calls per run
    assert taken.median_items_per_s == pytest.approx(1000)

    device.waits.clear()
    taken = timing.latency(device.enqueue(1e-5), device="cuda")
    assert taken.calls_per_sample == 16
    assert len(device.waits) > taken.n * taken.calls_per_sample


def test_a_device_by_index(clock, monkeypatch):
    Device(clock, monkeypatch, count=2)
    assert timing.check_device("cuda:1") == "cuda:1"
    with pytest.raises(MeasurementError, match=r"'cuda:2' .* \(cpu, cuda, cuda:0, cuda:1\); use"):
        timing.check_device("cuda:2")


def test_mps_is_awaited_where_it_is(monkeypatch):
    waits = []
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waits.append("mps"))
    timing.synchronize("mps")
    assert waits == ["mps"]


@pytest.mark.parametrize("device", ["cuda", "mps", "cuda:0"])
def test_an_absent_device_is_an_error_with_the_remedy(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(MeasurementError, match="use device='cpu'"):
        timing.latency(lambda: None, device=device)


@pytest.mark.parametrize(
    "device", ["gpu", "", None, "cuda:", "cuda:x", "mps:1", torch.device("meta")]
)
def test_an_unknown_device_is_an_error(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(MeasurementError, match=r"is not one that torch .* can use here \(cpu\)"):
        timing.synchronize(device)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_real_gpu_is_awaited():
    x = torch.rand(2048, 2048, device="cuda")
    queued = timing.latency(lambda: x @ x, device="cpu", min_elapsed_s=0.05)
    torch.cuda.synchronize()
    done = timing.latency(lambda: x @ x, device="cuda", min_elapsed_s=0.05)
    assert done.median_ms > queued.median_ms


# The rest


@pytest.mark.parametrize(
    "limits",
    [
        {"warmup": 0},
        {"warmup": 1.5},
        {"min_runs": 0},
        {"min_elapsed_s": -1.0},
        {"min_elapsed_s": float("nan")},
        {"min_elapsed_s": 2.0, "max_elapsed_s": 1.0},
        {"max_elapsed_s": float("inf")},
    ],
)
def test_limits_without_sense_are_refused(limits):
    with pytest.raises(MeasurementError, match=next(iter(limits))):
        timing.latency(lambda: None, **limits)


@pytest.mark.parametrize("items", [0, -1, float("nan"), float("inf")])
def test_items_per_call_without_sense_are_refused(items):
    with pytest.raises(MeasurementError, match="items_per_call"):
        timing.throughput(lambda: None, items)


def test_an_error_in_the_function_is_the_callers(clock):
    with pytest.raises(ZeroDivisionError):
        timing.latency(lambda: 1 / 0)


def test_shown_in_one_line_and_as_a_table():
    taken = a_latency([2.0, 2.5, 3.0], calibration_ms=(1.0, 2.0))
    assert repr(taken) == (
        "Latency(median 2.5 ms, IQR 0.5 ms, n 3, device cpu, "
        "noisy: calibration loop 1.00 ms before, 2.00 ms after)"
    )
    assert taken._repr_html_().count("<th>") == taken._repr_html_().count("<td") == 5


def test_the_wall_clock_is_never_read():
    tree = ast.parse(Path(timing.__file__).read_text(encoding="utf-8"))
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for alias in node.names
    }
    assert imported == {"perf_counter"}
    assert "time" not in {
        a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names
    }


def test_timing_on_the_cpu_loads_no_torch():
    code = (
        "import sys; from course_utils import timing; "
        "timing.latency(int, min_elapsed_s=0); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_real_call_is_measured():
    taken = timing.latency(lambda: sum(range(20_000)), min_elapsed_s=0.05)
    assert taken.n >= 5
    assert 0 < taken.result().low <= taken.median_ms <= taken.result().high
    # On any machine 20,000 additions take more than 1 us (20 GHz) and less than 1 s.
    assert 1e-3 < taken.median_ms < 1e3
