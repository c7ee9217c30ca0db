"""Races: three ways for each contestant, no wrong answer timed."""

import numpy as np
import pytest

from labs.seminar.inference_performance import contests
from labs.shared.toolchain import HostLibrary

SOURCE = """
#include <stdint.h>
int parity(const int32_t *x) { return x[0] & 1; }
void parities(const int32_t *x, int n, int *c) {
  for (int i = 0; i < n; i++) c[i] = parity(x + 2 * i);
}
int slow(const int32_t *x) {
  volatile int sum = 0;
  for (int i = 0; i < 2000; i++) sum += x[1];
  return x[0] & 1;
}
void slows(const int32_t *x, int n, int *c) {
  for (int i = 0; i < n; i++) c[i] = slow(x + 2 * i);
}
"""


@pytest.fixture(scope="module")
def functions():
    return HostLibrary(SOURCE).functions


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).integers(0, 100, (300, 2)).astype(np.int32)


def test_a_race_gives_three_positive_times_each_round(functions, rows):
    quick = contests.Contestant("quick", functions.parity, functions.parities, rows)
    slow = contests.Contestant("slow", functions.slow, functions.slows, rows)
    rng = np.random.default_rng(1)
    found = contests.race([quick, slow], rows[:, 0] & 1, batch=500, repeats=6, rng=rng)
    assert [one.name for one in found] == ["quick", "slow"]
    for way in contests.WAYS:
        assert all(len(one.samples_ns[way]) == 6 for one in found)
        assert all((one.samples_ns[way] > 0).all() for one in found)
        assert found[0].result(way).n == 6
    # 2,000 loads and stores one after the other against one AND.
    assert found[1].slower_than(found[0], "one row, warm").value > 1
    assert found[0].slower_than(found[0], "many rows").value == 1


def test_a_wrong_answer_is_refused_with_its_row(functions, rows):
    one = contests.Contestant("parity", functions.parity, functions.parities, rows)
    wanted = rows[:, 0] & 1
    wanted[:] = 1 - wanted
    with pytest.raises(contests.WrongAnswerError, match=r"parity answers \d where \d is expected"):
        contests.race([one], wanted, repeats=6, rng=np.random.default_rng(0))


def test_too_few_rounds_are_refused(functions, rows):
    one = contests.Contestant("parity", functions.parity, functions.parities, rows)
    with pytest.raises(ValueError, match="repeats is 5; give at least 6"):
        contests.race([one], rows[:, 0] & 1, repeats=5, rng=np.random.default_rng(0))


def test_a_tick_lasts_as_long_as_the_clock_says():
    """Two measurements of one clock by another agree within a part in ten."""
    first = contests._tick_ns()
    contests._tick_ns.cache_clear()
    assert contests._tick_ns() == pytest.approx(first, rel=0.1)
