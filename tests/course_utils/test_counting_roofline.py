"""Roofline: its arithmetic with a known clock, and this machine once."""

import pytest
import torch

from course_utils import counting, timing
from course_utils.counting import Roofline, measure_roofline
from course_utils.errors import MeasurementError
from course_utils.records import Result


def a_roofline():
    peak = Result(100.0, 80.0, 100.0, n=5, kind="measured")
    return Roofline(peak, Result(10.0, 8.0, 10.0, n=9, kind="measured"), "cpu", "")


def test_the_ridge_is_where_both_bounds_meet():
    roofline = a_roofline()
    assert roofline.ridge_ops_per_byte == Result(10.0, 8.0, 12.5, n=5, kind="measured")


def test_rates_are_work_by_time(monkeypatch):
    """With calls of 2, 4 and 1 ms: the best is 1 ms, the median 2 ms."""

    def latency(call, *, device, warmup, **limits):
        call()
        return timing.Latency(
            samples_ms=(2.0, 4.0, 1.0, 1.0, 2.0), device=device, calls_per_sample=1,
            warmup_calls=warmup, calibration_ms=(1.0, 2.0),
        )  # fmt: skip

    monkeypatch.setattr(counting.timing, "latency", latency)
    monkeypatch.setattr(counting, "_buffer_bytes", lambda: 1000)
    roofline = measure_roofline(budget_s=0.0)
    ops = 2 * 256**3
    assert roofline.peak_ops_per_s == Result(ops * 1000, ops * 500, ops * 1000, 5, "measured")
    assert roofline.bandwidth_bytes_per_s.value == 2 * 1000 * 1000
    assert "256 x 256" in roofline.conditions
    assert "noisy: IQR" in roofline.conditions
    assert f"{torch.get_num_threads()} threads" in roofline.conditions


def test_the_buffer_is_large_but_not_larger_than_memory(monkeypatch):
    assert 0 < counting._buffer_bytes() <= 256 * 2**20

    class Memory:
        available = 80 * 2**20

    monkeypatch.setattr(counting.psutil, "virtual_memory", lambda: Memory)
    assert counting._buffer_bytes() == 10 * 2**20


def test_a_real_roofline(monkeypatch):
    monkeypatch.setattr(counting, "_buffer_bytes", lambda: 2**20)
    roofline = measure_roofline(budget_s=0.02)
    for result in (roofline.peak_ops_per_s, roofline.bandwidth_bytes_per_s):
        assert 0 < result.low <= result.value == result.high
        assert result.n >= 5
    # From one operation a microsecond to 1,000 cores of 1 Tflop/s.
    assert 1e6 < roofline.peak_ops_per_s.value < 1e15


def test_an_absent_device_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MeasurementError, match="use device='cpu'"):
        measure_roofline("cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_real_gpu_has_a_higher_roof():
    assert measure_roofline("cuda", budget_s=0.2).peak_ops_per_s.value > 1e11
