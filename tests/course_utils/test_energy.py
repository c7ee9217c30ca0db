"""Energy: readings of fake sources with known joules, and of the real machine once."""

import math
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from course_utils import energy
from course_utils.energy.sources import Counter, Source, assumed
from course_utils.errors import MeasurementError
from course_utils.records import Result


def fixed(name: str, joules: float, **fields) -> Source:
    """Return a source that always reads the same."""

    @contextmanager
    def source():
        yield Counter(name, lambda: joules, **{"error": 0.1, **fields})

    return source


@contextmanager
def broken():
    raise MeasurementError("X: broken")
    yield


# Meter


def test_a_gpu_adds_its_part_and_the_weakest_tier_holds():
    """3 J to within 10 % and 2 J to within 5 %: 5 J to within 0.4 J."""
    both = [[fixed("model", 3.0, tier="modelled")], [fixed("gpu", 2.0, error=0.05)]]
    with energy.meter(sources=both) as m:
        pass
    assert [part.value for part in m.reading.parts.values()] == [3.0, 2.0]
    assert m.reading.source == "model + gpu"
    assert (m.reading.energy_j, m.reading.tier) == (5.0, "modelled")
    result = m.reading.result()
    assert (result.low, result.high, result.kind) == (
        pytest.approx(4.6), pytest.approx(5.4), "modelled",
    )  # fmt: skip


def test_children_that_ended_count():
    burn = "import time\nwhile time.process_time() < 0.2: pass\nprint(time.process_time())"
    with energy.meter() as m:
        child = subprocess.run(
            [sys.executable, "-c", burn], capture_output=True, text=True, check=True
        )
    assert m.reading.cpu_s >= float(child.stdout) - 0.02  # two ticks of 10 ms: user and system


def test_the_first_source_that_works_is_taken_and_the_notes_say_why():
    with energy.meter(sources=[[broken, fixed("a", 1.0), fixed("b", 2.0)]]) as m:
        pass
    assert m.reading.source == "a"
    assert m.reading.notes == ("X: broken",)
    assert "X: broken" not in repr(m.reading)
    assert "X: broken" in m.reading._repr_html_()


def test_no_source_at_all_is_an_error():
    meter = energy.meter(sources=[[broken, broken]])
    with pytest.raises(MeasurementError, match="no source of energy works here: X: broken"):
        meter.__enter__()


def test_a_source_that_covers_the_gpu_is_not_added_twice():
    apple = fixed("apple", 4.0, covers_gpu=True)
    with energy.meter(sources=[[apple], [fixed("gpu", 9.0)]]) as m:
        pass
    assert list(m.reading.parts) == ["apple"]


def test_an_assumed_gpu_makes_the_sum_assumed():
    with energy.meter(sources=[[fixed("a", 1.0)], [lambda: assumed(150.0)]]) as m:
        pass
    assert m.reading.result().low == pytest.approx(0.9)  # nothing of the GPU is sure
    assert m.reading.result().kind == "assumed"
    assert m.reading.source == "a + 150 W assumed for the GPU"


def test_sources_are_closed_after_an_error_and_there_is_no_reading():
    state = []

    @contextmanager
    def source():
        state.append("open")
        try:
            yield Counter("fake", lambda: 7.0, 0.1)
        finally:
            state.append("closed")

    def fail(meter):
        assert (state, meter.read().energy_j) == (["open"], 7.0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), energy.meter(sources=[[source]]) as meter:
        fail(meter)
    assert state == ["open", "closed"]
    with pytest.raises(MeasurementError, match="still runs or raised"):
        _ = meter.reading


def test_an_unknown_or_absent_device_is_refused():
    with pytest.raises(MeasurementError, match="tpu"):
        energy.meter("tpu").__enter__()


def test_a_real_block_here():
    """Its CPU time is at least what it burnt; in the model, its energy is at least 4 W of that."""
    with energy.meter() as m:
        end_s = time.process_time() + 0.05
        while time.process_time() < end_s:
            pass
    reading = m.reading
    assert reading.cpu_s >= 0.05
    if reading.source == "CPU time and memory of this process":
        assert reading.tier == "modelled"
        assert "not independent of time" in repr(reading)
        assert reading.energy_j >= 4.0 * 0.05
        assert reading.notes[0].startswith("RAPL")
        assert reading.result().high == pytest.approx(1.4 * reading.energy_j)
    assert "\n" not in repr(reading)
    assert "<table>" in reading._repr_html_()


@pytest.mark.parametrize(
    ("device", "wall_s", "cpu_s", "noisy"),
    [("cpu", 1.29, 1.0, False), ("cpu", 1.31, 1.0, True), ("cpu", 0.5, 1.0, False),
     ("cuda", 2.0, 1.0, False), ("cpu", 1.0, 0.0, True)],
)  # fmt: skip
def test_noisy_is_wall_over_cpu_time(device, wall_s, cpu_s, noisy):
    part = Result(1.0, 0.5, 1.5, n=1, kind="modelled")
    reading = energy.EnergyReading({"x": part}, wall_s, cpu_s, device)
    assert reading.noisy is noisy
    assert ("noisy" in repr(reading)) is noisy


def test_the_overhead_in_the_modelled_tier_is_under_1_ms():
    with energy.meter() as m:
        pass
    if m.reading.tier != "modelled":
        pytest.skip("this machine has a counter")
    assert 0 < energy.meter_overhead_s() < 1e-3  # the requirement; about 0.07 ms


# Energy per call


@contextmanager
def costing(joules, **fields):
    """A source that counts joules[-1]; append to it in the function measured."""
    yield Counter("fake", lambda: joules[-1], **{"error": 0.1, **fields})


def test_energy_per_call_divides_by_the_calls():
    total_j = [0.0]

    def call():
        total_j[-1] += 0.5
        return math.sqrt(2)

    per_call = energy.energy_per_call(call, sources=[[lambda: costing(total_j)]])
    assert len(per_call.samples_j) >= 6
    assert per_call.samples_j == pytest.approx([0.5] * len(per_call.samples_j))
    result = per_call.result()
    assert (result.low, result.value, result.high) == pytest.approx((0.45, 0.5, 0.55))
    assert result.n == len(per_call.samples_j)
    assert result.kind == "measured"
    assert per_call.result_mj().value == pytest.approx(500.0)
    assert per_call.reading.cpu_s >= 0.5


def test_repeatability_and_source_error_are_kept_apart(monkeypatch):
    """Repeats of 1 to 6 J: median 3.5 J, interval the range, 10 % of the source on it."""
    monkeypatch.setattr(energy, "MIN_CPU_S", 1e-9)  # so a repeat is one call
    total_j = [0.0]
    costs = iter([9, 9, 3, 1, 6, 2, 5, 4])  # the first two warm up

    def call():
        total_j[-1] += next(costs)

    per_call = energy.energy_per_call(call, sources=[[lambda: costing(total_j)]])
    assert per_call.samples_j == (3, 1, 6, 2, 5, 4)
    spread = per_call.repeatability
    assert (spread.low, spread.value, spread.high) == (1, 3.5, 6)
    assert per_call.source_error == pytest.approx(0.1)
    result = per_call.result()
    assert (result.low, result.value, result.high) == pytest.approx((0.9, 3.5, 6.6))
    assert "6 of 1 calls each" in repr(per_call)
    assert "repeatability: 3.5 J [1, 6]; source error: 10%" in repr(per_call)


def test_too_few_repeats_make_no_claim():
    one = energy.energy_per_call(lambda: time.sleep(0.001), max_elapsed_s=0.0)
    assert len(one.samples_j) == 1
    assert "J a call, no interval: n = 1 supports no claim" in repr(one)
    with pytest.raises(MeasurementError, match="n = 1 supports no claim"):
        one.result()


def test_a_source_that_counts_nothing_makes_no_claim(monkeypatch):
    monkeypatch.setattr(energy, "MIN_CPU_S", 1e-9)
    per_call = energy.energy_per_call(lambda: None, sources=[[fixed("zero", 0.0)]])
    assert "0 J a call, no interval: zero counted 0 J" in repr(per_call)
    with pytest.raises(MeasurementError, match="counted 0 J"):
        per_call.result()


def test_a_slow_counter_gets_longer_repeats():
    total_j = [0.0]
    calls_per_sample = energy.energy_per_call(
        lambda: time.sleep(0.002),
        sources=[[lambda: costing(total_j, update_s=0.02, max_power_w=1.0)]],
        max_elapsed_s=0.3,
    ).calls_per_sample
    # A call takes at least 2 ms, so of 0.1 s (5 updates; 0.5 s / 6 is less) at most 50 fit.
    assert 1 < calls_per_sample <= 50


def test_metering_makes_no_network_call(no_network):
    with energy.meter() as m:
        pass
    assert m.reading.energy_j >= 0
