"""Calls timed in turn, on a clock that the test winds itself."""

import pytest

from labs.gpu_training import turns


class Clock:
    """A clock on which only the calls take time."""

    def __init__(self, monkeypatch):
        self.now_s, self.order = 0.0, []
        monkeypatch.setattr(turns.time, "perf_counter", lambda: self.now_s)

    def call(self, name, duration_s):
        def run():
            self.order.append(name)
            self.now_s += duration_s * len(self.order)  # a machine that slows down all the while

        return run


def test_ratios_and_turns(monkeypatch):
    clock = Clock(monkeypatch)
    calls = {"slow": clock.call("slow", 2.0), "fast": clock.call("fast", 1.0)}
    found = turns.ratios(calls, to="fast", rounds=6)
    assert found["fast"].value == found["fast"].low == found["fast"].high == 1.0
    assert found["slow"].low < 2.0 < found["slow"].high  # once before and once after its partner
    assert found["slow"].n == 6
    assert clock.order[:6] == ["slow", "fast", "slow", "fast", "fast", "slow"]


def test_refusals():
    with pytest.raises(ValueError, match="to is 'c'; give one of a, b"):
        turns.ratios({"a": int, "b": int}, to="c", rounds=6)
    with pytest.raises(ValueError, match="rounds is 4; give at least 5"):
        turns.ratios({"a": int}, to="a", rounds=4)
