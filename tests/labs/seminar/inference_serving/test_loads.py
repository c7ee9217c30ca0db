"""Arrivals and lengths against what their distributions say."""

import numpy as np
import pytest

from labs.seminar.inference_serving.loads import Lengths, poisson


def test_arrivals_are_a_poisson_process() -> None:
    rate, number = 20.0, 20_000
    arrivals_s = np.array(
        [r.arrival_ms / 1e3 for r in poisson(rate, number, lengths=Lengths(), seed=1)]
    )
    gaps = np.diff(arrivals_s)
    # Exponential: mean and standard deviation are 1 / rate; five standard errors.
    assert gaps.mean() == pytest.approx(1 / rate, rel=5 / number**0.5)
    assert gaps.std() == pytest.approx(1 / rate, rel=5 * (2 / number) ** 0.5)
    counts = np.bincount(arrivals_s.astype(int))[:-1]
    # Counts in seconds have mean = variance; of n windows the ratio has a deviation of (2/n)^0.5.
    assert counts.var() / counts.mean() == pytest.approx(1, abs=5 * (2 / len(counts)) ** 0.5)


def test_lengths_keep_their_ends_and_their_means() -> None:
    lengths = Lengths(prompt=30, output=20, most=64)
    drawn = lengths.draw(np.random.default_rng(0), 40_000)
    assert drawn.min(axis=0).tolist() == [4, 2]
    assert drawn.max() == 64
    errors = drawn.std(axis=0) / 40_000**0.5
    assert (np.abs(drawn.mean(axis=0) - lengths.means()) <= 5 * errors).all()


def test_the_same_users_come_at_every_rate() -> None:
    slow, fast = (poisson(rate, 50, lengths=Lengths(), seed=3) for rate in (1.0, 8.0))
    assert [(r.prompt, r.output) for r in slow] == [(r.prompt, r.output) for r in fast]
    assert [r.arrival_ms for r in slow] == pytest.approx([8 * r.arrival_ms for r in fast])
    assert slow != poisson(1.0, 50, lengths=Lengths(), seed=4)


def test_a_rate_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="rate_per_s is 0; give a number above 0"):
        poisson(0, 5, lengths=Lengths(), seed=0)
