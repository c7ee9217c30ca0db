import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.errors import MeasurementError
from course_utils.records import Result
from course_utils.units import KI, MI
from labs.gpu_training import cost_model
from labs.gpu_training.cost_model import (
    COLLECTIVES,
    Domain,
    assumed,
    fit,
    hierarchical_all_reduce,
    messages_and_bytes,
    residuals,
)

DOMAIN = Domain("a test", "gloo", ranks=3, places=4, smallest_bytes=256, largest_bytes=16 * MI)
SIZES = [2**k for k in range(8, 25, 2)]
ALPHA_S, BANDWIDTH = 1e-4, 1e9
LINK = assumed(alpha_s=ALPHA_S, bandwidth_bytes_per_s=BANDWIDTH, source="a sheet")


def exact(size: int, ranks: int = 3) -> float:
    return 2 * (ranks - 1) * ALPHA_S + 2 * (ranks - 1) / ranks * size / BANDWIDTH


def noisy(rng, spread: float = 0.1, repeats: int = 20):
    return {s: list(exact(s) * rng.uniform(1 - spread, 1 + spread, repeats)) for s in SIZES}


def test_exact_times_give_the_numbers_back():
    model = fit({s: [exact(s)] * 5 for s in SIZES}, domain=DOMAIN, rng=np.random.default_rng(0))
    assert model.alpha_s.value == pytest.approx(ALPHA_S, rel=1e-6)
    assert model.bandwidth_bytes_per_s.value == pytest.approx(BANDWIDTH, rel=1e-6)
    rows = residuals(model, {s: [exact(s)] * 5 for s in SIZES})
    assert max(abs(row["relative_error"]) for row in rows) < 1e-6


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(40):
        model = fit(noisy(rng), domain=DOMAIN, rng=rng, resamples=100)
        a, b = model.alpha_s, model.bandwidth_bytes_per_s
        hits += (a.low <= ALPHA_S <= a.high) + (b.low <= BANDWIDTH <= b.high)
    # 80 intervals of 95 %; a bootstrap of 20 medians is somewhat narrow. Binomial(80, 0.88) is
    # below 60 once in 2,000 times.
    assert hits >= 60


def test_large_messages_do_not_move_alpha():
    """A cliff at the large end, as a cache makes it, changes the bandwidth and not alpha."""
    rng = np.random.default_rng(2)
    samples = noisy(rng, spread=0.01)
    cliff = {s: [t * (3 if s >= MI else 1) for t in times] for s, times in samples.items()}
    plain, bent = (fit(each, domain=DOMAIN, rng=rng) for each in (samples, cliff))
    assert bent.alpha_s.value == pytest.approx(plain.alpha_s.value, rel=0.05)
    ratio = plain.bandwidth_bytes_per_s.value / bent.bandwidth_bytes_per_s.value
    assert ratio == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize(
    "samples",
    [
        {},
        {256: [1.0] * 4, MI: [2.0] * 4},
        {256: [1.0] * 5, 512: [1.0] * 5},
        {MI: [1.0] * 5, 2 * MI: [2.0] * 5},
    ],
)
def test_missing_sizes_or_repeats_are_named(samples):
    with pytest.raises(MeasurementError, match="a fit needs sizes up to 16,384 B"):
        fit(samples, domain=DOMAIN, rng=np.random.default_rng(0))


def test_no_bandwidth_to_see_is_an_error_and_not_a_number():
    samples = {256: [1.0] * 5, MI: [2.0] * 5, 16 * MI: [1.0] * 5}
    with pytest.raises(MeasurementError, match="take no longer than"):
        fit(samples, domain=DOMAIN, rng=np.random.default_rng(0))


def test_inside_its_domain_a_prediction_says_nothing_more():
    model = fit(noisy(np.random.default_rng(3)), domain=DOMAIN, rng=np.random.default_rng(3))
    inside = model.predict("all_reduce", MI, ranks=3)
    assert inside.is_inside
    assert inside.time_s.kind == "modelled"
    assert "but" not in str(inside)
    assert inside.time_s.low <= inside.time_s.value <= inside.time_s.high


@pytest.mark.parametrize(
    ("size", "ranks", "sentences"),
    [
        (MI, 2, ["2 ranks where 3 were measured"]),
        (MI, 5, ["5 ranks where 3 were measured", "5 ranks share 4 places"]),
        (255, 3, ["255 B where 256 to"]),
        (32 * MI, 64, ["64 ranks where", "64 ranks share", "33,554,432 B where"]),
    ],
)
def test_outside_of_its_domain_a_prediction_says_so(size, ranks, sentences):
    model = dataclasses.replace(LINK, domain=DOMAIN)
    prediction = model.predict("all_reduce", size, ranks=ranks)
    assert not prediction.is_inside
    assert len(prediction.warnings) == len(sentences)
    for sentence, warning in zip(sentences, prediction.warnings, strict=True):
        assert sentence in warning
        assert warning in str(prediction)


def test_an_assumed_model_says_so_always():
    prediction = LINK.predict("all_gather", 10, ranks=2)
    assert prediction.time_s.kind == "assumed"
    assert prediction.warnings == ("assumed, not measured: a sheet",)
    with pytest.raises(MeasurementError, match="no residuals"):
        residuals(LINK, {256: [1.0] * 5})


@pytest.mark.parametrize(
    "figures",
    [
        {"alpha_s": -1, "bandwidth_bytes_per_s": 1, "source": "x"},
        {"alpha_s": 0, "bandwidth_bytes_per_s": 0, "source": "x"},
        {"alpha_s": 0, "bandwidth_bytes_per_s": 1, "source": " "},
        {"alpha_s": math.nan, "bandwidth_bytes_per_s": 1, "source": "x"},
    ],
)
def test_published_figures_need_sense_and_a_source(figures):
    with pytest.raises(ValueError, match="where they are published"):
        assumed(**figures)


@given(st.sampled_from(COLLECTIVES), st.floats(0, 1e12), st.integers(1, 2048))
def test_costs_of_collectives(collective, size, ranks):
    messages, sent = messages_and_bytes(collective, size, ranks=ranks)
    if ranks == 1:
        assert (messages, sent) == (0, 0)
    if collective == "broadcast":
        assert 2**messages >= ranks
        assert sent == messages * size
    else:
        assert sent <= (2 if collective == "all_reduce" else 1) * size


@given(st.floats(0, 1e12), st.integers(1, 2048))
def test_an_all_reduce_is_a_reduce_scatter_and_an_all_gather(size, ranks):
    whole = messages_and_bytes("all_reduce", size, ranks=ranks)
    halves = [
        messages_and_bytes(each, size, ranks=ranks) for each in ("reduce_scatter", "all_gather")
    ]
    assert whole == pytest.approx(np.sum(halves, axis=0))


@pytest.mark.parametrize(
    ("collective", "size", "ranks"), [("gossip", 1, 2), ("broadcast", -1, 2), ("all_gather", 1, 0)]
)
def test_what_no_collective_is(collective, size, ranks):
    with pytest.raises(ValueError, match="give one of"):
        messages_and_bytes(collective, size, ranks=ranks)


def test_one_node_is_the_flat_ring_and_one_rank_a_node_the_outer_one():
    other = assumed(alpha_s=3.0, bandwidth_bytes_per_s=2.0, source="another")
    for g, n, link in ((8, 1, LINK), (1, 8, other)):
        layered = hierarchical_all_reduce(KI, inside=LINK, between=other, ranks_a_node=g, nodes=n)
        flat = link.predict("all_reduce", KI, ranks=8)
        assert layered.time_s.value == pytest.approx(flat.time_s.value)
        assert layered.warnings == (
            "assumed, not measured: a sheet",
            "assumed, not measured: another",
        )


def test_two_nodes_by_hand():
    """8 ranks, 800 B: 3 + 3 messages and 600 + 600 B inside, 2 messages and 200 B between."""
    inside = assumed(alpha_s=1.0, bandwidth_bytes_per_s=100.0, source="x")
    between = assumed(alpha_s=10.0, bandwidth_bytes_per_s=10.0, source="x")
    layered = hierarchical_all_reduce(800, inside=inside, between=between, ranks_a_node=4, nodes=2)
    assert layered.time_s.value == pytest.approx(6 * 1 + 1200 / 100 + 2 * 10 + 200 / 10)


def test_a_measured_and_an_assumed_part_make_an_assumed_sum():
    measured = dataclasses.replace(LINK, domain=DOMAIN)
    total = measured.predict("all_reduce", MI, ranks=3) + LINK.predict("all_reduce", 1, ranks=2)
    assert isinstance(total.time_s, Result)
    assert total.time_s.kind == "assumed"
    assert len(total.warnings) == 1


def test_published_links_name_their_sources():
    for model in cost_model.PUBLISHED.values():
        assert "datasheet" in model.source
        assert model.domain is None
