"""Detections and their matching by hand, and rates against published tables."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given as sampled
from hypothesis import strategies as st
from scipy import stats as reference

from labs.mcu_compression import detection
from labs.mcu_compression.given import error_rates, false_alarm_bound, smooth
from labs.mcu_compression.streams import Event, Stream
from labs.shared.keywords import CLASSES

ON, OFF = CLASSES.index("on"), CLASSES.index("off")


def stream_of(*said, seconds=60):
    events = tuple(Event(start, start + 1.0, label, CLASSES[label]) for start, label in said)
    return Stream(torch.zeros(seconds * 16_000), events, ("on", "off"), "made_up", "val")


def found(*at):
    return [detection.Detection(time_s, label, 0.9) for time_s, label in at]


def test_detections_by_hand():
    scores = np.zeros((40, 12))
    scores[3:6, ON] = 0.8  # one word, in view for three windows
    scores[13, OFF] = 0.5  # exactly at the threshold, and no longer deaf
    scores[20, 0] = 0.99  # a word that is not listened for
    got = detection.detect(scores, listened=(ON, OFF), threshold=0.5)
    assert [(d.time_s, d.label) for d in got] == [(1.3, ON), (2.3, OFF)]
    deaf = detection.detect(scores, listened=(ON, OFF), threshold=0.5, refractory_s=0.0)
    assert [d.time_s for d in deaf] == [1.3, 1.4, 1.5, 2.3]


def test_the_higher_of_two_words_is_taken():
    scores = np.zeros((1, 12))
    scores[0, [ON, OFF]] = 0.6, 0.7
    (one,) = detection.detect(scores, listened=(ON, OFF), threshold=0.5)
    assert (one.label, one.score) == (OFF, pytest.approx(0.7))


def test_matching_by_hand():
    stream = stream_of((10, ON), (20, OFF), (30, ON), (40, 0))
    detections = found(
        (11.2, ON),  # a hit
        (11.4, ON),  # the same word again
        (20.9, ON),  # another word than was said
        (31.5, ON),  # the last moment
        (41.0, ON),  # a word that is not listened for
    )
    outcome = detection.match(detections, stream, threshold=0.7)
    assert [said.start_s for said, _ in outcome.hits] == [10, 30]
    assert [said.start_s for said in outcome.missed] == [20]
    assert [alarm.time_s for alarm in outcome.false_alarms] == [11.4, 20.9, 41.0]
    assert outcome.delay_s() == pytest.approx((0.2 + 0.5) / 2)
    assert outcome.miss_rate().value == pytest.approx(1 / 3)
    assert outcome.hours == pytest.approx(1 / 60)
    assert repr(outcome) == "threshold 0.70: 2 heard, 1 missed, 3 false alarms in 1.0 min"


@pytest.mark.parametrize(("time_s", "hits"), [(10.0, 0), (10.1, 1), (11.5, 1), (11.6, 0)])
def test_when_a_detection_is_in_time(time_s, hits):
    outcome = detection.match(found((time_s, ON)), stream_of((10, ON)))
    assert len(outcome.hits) == hits
    assert len(outcome.false_alarms) == 1 - hits


@sampled(st.lists(st.floats(0, 1), min_size=20, max_size=60), st.floats(0.05, 0.95))
def test_every_detection_and_every_keyword_is_counted_once(values, threshold):
    scores = np.zeros((len(values), 12))
    scores[:, ON] = values
    stream = stream_of((1, ON), (2.5, OFF), (4, ON))
    detections = detection.detect(scores, listened=(ON, OFF), threshold=threshold)
    outcome = detection.match(detections, stream, threshold=threshold)
    assert len(outcome.hits) + len(outcome.false_alarms) == len(detections)
    assert len(outcome.hits) + len(outcome.missed) == 3
    gaps = np.diff([d.time_s for d in detections])
    assert (gaps > 0.99).all()


def outcome_of(threshold, *, missed, alarms):
    event, alarm = Event(0, 1, ON, "on"), detection.Detection(1.0, ON, 0.9)
    hit = ((event, alarm),) * (10 - missed)
    return detection.Outcome(threshold, hit, (event,) * missed, (alarm,) * alarms, 0.25)


def test_the_choice_of_a_threshold():
    outcomes = [
        outcome_of(0.3, missed=1, alarms=9),
        outcome_of(0.5, missed=3, alarms=2),
        outcome_of(0.6, missed=3, alarms=1),
        outcome_of(0.9, missed=8, alarms=1),
    ]
    chosen = {n: detection.choose(outcomes, most_false_alarms=n).threshold for n in (0, 1, 2, 9)}
    assert chosen == {0: 0.6, 1: 0.6, 2: 0.6, 9: 0.3}


def test_a_sweep_goes_through_the_thresholds():
    scores = np.zeros((100, 12))
    scores[3, ON] = 0.7
    outcomes = detection.sweep(scores, stream_of((0.5, ON)), thresholds=(0.5, 0.8))
    assert [(o.threshold, len(o.hits)) for o in outcomes] == [(0.5, 1), (0.8, 0)]
    assert len(detection.sweep(scores, stream_of())) == len(detection.THRESHOLDS)


def test_posteriors_are_probabilities():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(490, 12))
    got = detection.posteriors(network, torch.zeros(300, 1, 49, 10))
    assert got.shape == (300, 12)
    np.testing.assert_allclose(got.sum(1), 1, rtol=1e-5)


# Exact 95 % limits of a Poisson mean, as tables give them (Garwood 1936; Ulm 1990).
@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0, 3.689), (1, 0.0253, 5.572), (5, 1.623, 11.668), (10, 4.795, 18.39)],
)
def test_rates_against_the_table(count, low, high):
    rate = detection.poisson_rate(count, hours=2.0, bound=false_alarm_bound)
    assert rate.value == count / 2
    assert rate.low == pytest.approx(low / 2, abs=5e-4)
    assert rate.high == pytest.approx(high / 2, abs=5e-4)
    assert rate.n == 7200


@pytest.mark.parametrize(("count", "hours"), [(-1, 1.0), (0, 0.0)])
def test_rates_without_time_are_refused(count, hours):
    with pytest.raises(ValueError, match="give a count >= 0"):
        detection.poisson_rate(count, hours=hours, bound=false_alarm_bound)


def test_intervals_of_rates_hold_the_truth_often_enough():
    rng = np.random.default_rng(0)
    held = 0
    for count in rng.poisson(3.0, size=2000).tolist():
        rate = detection.poisson_rate(count, hours=1.0, bound=false_alarm_bound)
        held += rate.low <= 3.0 <= rate.high
    assert held / 2000 >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 2000)


@sampled(st.integers(0, 60), st.floats(0.1, 100), st.floats(0.5, 0.999))
def test_the_given_bound_against_the_poisson_distribution(count, hours, level):
    bound = false_alarm_bound(count, hours, level)
    assert reference.poisson.cdf(count, bound * hours) == pytest.approx(1 - level, rel=1e-6)


@sampled(st.integers(1, 12), st.integers(1, 30))
def test_the_given_smoothing_against_plain_means(window, rows):
    scores = np.random.default_rng(rows).uniform(size=(rows, 3))
    want = [scores[max(0, i + 1 - window) : i + 1].mean(0) for i in range(rows)]
    np.testing.assert_allclose(smooth(scores, window), want, rtol=1e-9, atol=1e-12)


@sampled(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=30))
def test_the_given_rates_against_counting(pairs):
    scores = np.array([score / 4 for score, _ in pairs])
    wanted = np.array([is_keyword for _, is_keyword in pairs])
    rejected = sum(score < 2 for score, is_keyword in pairs if is_keyword)
    accepted = sum(score >= 2 for score, is_keyword in pairs if not is_keyword)
    got = error_rates(scores, wanted, 0.5)
    assert got == (rejected / max(1, wanted.sum()), accepted / max(1, (~wanted).sum()))
