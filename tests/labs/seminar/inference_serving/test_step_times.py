"""Fits that find the lines they were made from, and measurements of every size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.seminar.inference_serving import step_times
from labs.seminar.inference_serving.step_times import StepTimes, fit
from labs.shared.transformer import SIZES, transformer

POSITIVE = st.floats(0.01, 100)


@given(p=POSITIVE, q=POSITIVE, r=POSITIVE)
@settings(max_examples=30, deadline=None)
def test_exact_times_give_back_their_line(p, q, r) -> None:
    inputs = [(1.0, float(s), float(s * c)) for s in (1, 2, 8) for c in (1, 30, 200)]
    samples = [(x, p + q * x[1] + r * x[2]) for x in inputs]
    found, ratios = fit(samples)
    fitted = np.array([x for x, _ in samples]) @ found
    assert fitted == pytest.approx([t for _, t in samples], rel=1e-9)
    assert ratios == pytest.approx([1.0] * len(samples), rel=1e-9)


def test_a_slow_moment_moves_a_ratio_and_not_the_line() -> None:
    samples = [((1.0, float(n)), 2.0 + n) for n in (1, 5, 9) for _ in range(3)]
    slow = [*samples[:-1], (samples[-1][0], 50.0)]
    assert fit(slow)[0] == pytest.approx(fit(samples)[0])
    assert max(fit(slow)[1]) == pytest.approx(50 / 11)


def test_coefficients_are_never_negative() -> None:
    falling = [((1.0, 1.0), 9.0), ((1.0, 5.0), 3.0), ((1.0, 9.0), 2.0)]
    assert min(fit(falling)[0]) >= 0


def test_all_sizes_are_measured_as_often() -> None:
    size = SIZES["tiny"]
    reads, writes = step_times.measure(transformer("tiny").eval(), size, repeats=2)
    assert len(reads) == 2 * sum(n < size.context for n in step_times.PROMPTS)
    assert len(writes) == 2 * 3 * len(step_times.SEQUENCES)
    assert all(ms > 0 for _, ms in reads + writes)
    times = step_times.measure_and_fit(transformer("tiny").eval(), size, repeats=2)
    assert len(times.ratios) == len(reads) + len(writes)


def test_two_measurements_together_are_one_with_twice_the_samples() -> None:
    reads = [((1.0, float(n)), 2.0 + n) for n in (4, 9)]
    writes = [((1.0, s, s * c), 1 + s + s * c) for s, c in ((1.0, 2.0), (2.0, 1.0), (3.0, 7.0))]
    once, twice = step_times.fitted((reads, writes)), step_times.fitted(*[(reads, writes)] * 2)
    assert [*once.prefill, *twice.prefill] == pytest.approx([2.0, 1.0] * 2)
    assert [*once.decode, *twice.decode] == pytest.approx([1.0] * 6)
    assert len(twice.ratios) == 2 * len(once.ratios) == 10


def test_capacity_is_the_rate_of_a_full_batch() -> None:
    times = StepTimes(prefill=(2.0, 0.5), decode=(4.0, 1.0, 0.01))
    # 4 requests of 10 + 6: reading 7 ms each; a step of 4 + 4 + 0.01 x 4 x 13 ms gives 4 tokens.
    by_hand = 1e3 / (7.0 + 5 * (8 + 0.52) / 4)
    assert times.capacity_per_s(10, 6, batch=4) == pytest.approx(by_hand)
