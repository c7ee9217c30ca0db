"""Networks timed in turn: the bookkeeping, by a clock of our own, and what is refused."""

import time

import pytest
import torch
from torch import nn

from labs.mcu_compression import stopwatch


class Sleeper(nn.Module):
    """Sleeps as long as it is told, so which of two takes longer is known."""

    def __init__(self, sleep_s: float) -> None:
        super().__init__()
        self.sleep_s = sleep_s

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the input, late."""
        time.sleep(self.sleep_s)
        return x


def test_each_network_is_timed_in_each_round() -> None:
    networks = {"short": Sleeper(0.0005), "long": Sleeper(0.005)}
    taken = stopwatch.rounds_of(networks, torch.zeros(1), rounds=6, round_s=0.001)
    assert {name: len(times) for name, times in taken.items()} == {"short": 6, "long": 6}
    # A sleep never ends early; how late it ends is the machine's.
    assert min(taken["short"]) >= 0.5
    assert min(taken["long"]) >= 5.0


def test_ratios_are_taken_within_a_round() -> None:
    slow_rounds = [1.0, 5.0, 1.0, 7.0, 1.0, 2.0]
    found = stopwatch.ratio([0.5 * t for t in slow_rounds], to=slow_rounds)
    assert (found.value, found.low, found.high, found.n) == (0.5, 0.5, 0.5, 6)


def test_ratios_leave_out_the_network_compared_with() -> None:
    networks = {"a": nn.Identity(), "b": nn.Identity()}
    found = stopwatch.ratios(networks, torch.zeros(1), to="a", rounds=5, round_s=0.001)
    assert list(found) == ["b"]
    with pytest.raises(ValueError, match="to is 'c'; give one of a, b"):
        stopwatch.ratios(networks, torch.zeros(1), to="c", rounds=5)
