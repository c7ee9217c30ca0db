"""Failures at random, and the given simulation against a formula and a clock that ticks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.gpu_training import failures
from labs.gpu_training.given.failing import checkpoint_interval_s, goodput


def ticked(work: int, interval: int, save: int, restart: int, coming: list[int]) -> float:
    """The goodput by a clock of whole seconds: an oracle with nothing to work out."""
    now = done = kept = paused = saving = 0
    while True:
        if now in coming:
            done, paused, saving = kept, restart, 0
        if paused:
            paused -= 1
        elif saving:
            saving -= 1
            kept = done if not saving else kept
        else:
            done += 1
            if done == work:
                return work / (now + 1)
            if (done - kept) == interval:
                saving = save
                kept = done if not saving else kept
        now += 1


@settings(max_examples=200, deadline=None)
@given(
    work=st.integers(1, 30),
    interval=st.integers(1, 12),
    save=st.integers(0, 4),
    restart=st.integers(0, 4),
    coming=st.lists(st.integers(0, 60), max_size=6, unique=True).map(sorted),
)
def test_the_given_goodput_against_a_ticking_clock(work, interval, save, restart, coming):
    want = ticked(work, interval, save, restart, coming)
    got = goodput(float(work), float(interval), float(save), float(restart), coming)
    assert got == pytest.approx(want, rel=1e-12)


def test_failures_come_at_their_rate():
    rng = np.random.default_rng(0)
    times = failures.failure_times(rng, mtbf_s=2.0, until_s=20_000.0)
    assert times == sorted(times)
    assert 0 < times[0] <= times[-1] <= 20_000
    assert abs(len(times) - 10_000) < 5 * math.sqrt(10_000)  # Poisson
    # Exponential gaps: their spread is their mean, to a part in a hundred with so many.
    gaps = np.diff(times)
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.05)


def test_simulated_and_expected_agree():
    job = {"save_s": 20.0, "restart_s": 50.0, "mtbf_s": 1000.0}
    intervals = [50.0, 200.0, 800.0]
    seeds = [(1, number) for number in range(60)]
    shares = failures.simulated(goodput, intervals, seeds=seeds, **job)
    assert shares.shape == (3, 60)
    for interval_s, each in zip(intervals, shares, strict=True):
        want = failures.expected(interval_s=interval_s, **job)
        error = each.std() / math.sqrt(60)
        # The job's end is no whole number of pieces: up to one save in twenty times 1,000 s.
        assert abs(each.mean() - want) < 4 * error + 20 / 20_000


def test_the_formula_is_near_the_best_expected_interval():
    job = {"save_s": 60.0, "restart_s": 600.0}
    for ranks in (8, 1024, 16_384):
        mtbf_s = failures.rank_mtbf_s(**failures.LLAMA_3) / ranks
        formula = checkpoint_interval_s(60.0, mtbf_s * ranks, ranks)
        tried = formula * np.geomspace(0.1, 10, 400)
        shares = [failures.expected(interval_s=each, mtbf_s=mtbf_s, **job) for each in tried]
        best = tried[int(np.argmax(shares))]
        # Daly's next term: the best is shorter by about the time of a save.
        assert abs(best - formula) < 60 + 0.02 * formula
