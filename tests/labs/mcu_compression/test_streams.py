"""Streams composed of clips, and their features against those of each window alone."""

import numpy as np
import pytest
import torch

from labs.mcu_compression import streams
from labs.shared.features import LOG_FLOOR, Mfcc
from labs.shared.keywords import (
    CLASSES,
    FEATURE_STD,
    SILENCE,
    Clips,
    features_of,
)


@pytest.fixture(scope="module")
def clips():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(72) % 12
    return Clips(
        samples=torch.randn(72, 16_000, generator=generator) / 10,
        labels=labels,
        speakers=np.array([f"s{i % 9}" for i in range(72)]),
        words=np.array([CLASSES[i] for i in labels.tolist()]),
        name="made_up",
        split="val",
        source="this test",
    )


def make(clips, seed=0, **changed):
    settings = {"seconds": 60.0, "noise": 0.05} | changed
    return streams.make_stream(clips, rng=np.random.default_rng(seed), **settings)


def test_every_window_has_the_features_of_its_second_alone(clips):
    stream = make(clips, seconds=12.0, noise=0.2, keywords_per_minute=10)
    found = streams.features_of_stream(stream)
    alone = stream.samples.unfold(0, 16_000, 1_600)
    assert len(found) == len(alone) == 111
    # Both agree but for the floor of the logarithm, which is added before or after scaling to a
    # peak of 1: by at most floor / (least band) in each of 40 bands, times 2 / sqrt(80) each.
    least = float(Mfcc().log_mel(stream.samples[None]).exp().min())
    off = 40 * (LOG_FLOOR / least) * 2 / np.sqrt(80) / min(FEATURE_STD)
    assert off < 0.2
    rounding = 2e-3  # float32 logarithms and sums of 40 bands
    torch.testing.assert_close(found, features_of(alone), rtol=0, atol=off + rounding)


def test_a_silent_stream_has_finite_features(clips):
    stream = streams.Stream(torch.zeros(32_000), (), ("on",), "none", "val")
    assert torch.isfinite(streams.features_of_stream(stream)).all()


def test_long_streams_are_computed_in_pieces_without_a_seam(clips, monkeypatch):
    stream = make(clips, seconds=10.0)
    whole = streams.features_of_stream(stream)
    monkeypatch.setattr(streams, "CHUNK_FRAMES", 37)
    torch.testing.assert_close(streams.features_of_stream(stream), whole, rtol=0, atol=1e-4)


def test_words_stand_where_the_events_say(clips):
    stream = make(clips, noise=0.0)
    starts = [event.start_s for event in stream.events]
    ends = [event.end_s for event in stream.events]
    assert starts == sorted(starts)
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    silent = torch.ones(len(stream.samples), dtype=torch.bool)
    for event in stream.events:
        first = round(event.start_s * 16_000)
        piece = stream.samples[first + 320 : first + 16_000 - 320]
        same = clips.samples[[w == event.word for w in clips.words.tolist()], 320:-320]
        cosine = torch.nn.functional.cosine_similarity(piece[None], same)
        assert float(cosine.max()) == pytest.approx(1.0, abs=1e-5)
        silent[first : first + 16_000] = False
    assert not stream.samples[silent].any()


def test_as_many_words_as_asked_for_and_no_clip_twice(clips):
    stream = make(clips, keywords_per_minute=3)
    assert len(stream.keywords) == 3
    assert len(stream.events) == 3 + 18
    assert all(event.label != SILENCE for event in stream.events)
    crowded = make(clips, seconds=120, keywords_per_minute=20)
    assert len(crowded.keywords) == 12  # all that there are of on and off
    pieces = [crowded.samples[round(e.start_s * 16_000) :][400:15_600] for e in make(clips).events]
    assert len(pieces) > 5


def test_the_seed_decides_and_the_split_is_named(clips):
    one, two, other = make(clips), make(clips), make(clips, seed=1)
    assert torch.equal(one.samples, two.samples)
    assert one.events == two.events
    assert not torch.equal(one.samples, other.samples)
    assert repr(one) == "made_up val: 1.0 min with 4 times on or off and 18 other words"


def test_noise_stays_below_its_level(clips):
    stream = make(clips, noise=0.05)
    quiet = torch.ones(len(stream.samples), dtype=torch.bool)
    for event in stream.events:
        quiet[round(event.start_s * 16_000) : round(event.end_s * 16_000)] = False
    # Where one piece fades into the next the two add up to at most the louder of them.
    assert 0 < float(stream.samples[quiet].abs().max()) <= 0.05 + 1e-6


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seconds": 5.0}, "seconds is 5.0"),
        ({"noise": 0.7}, "noise 0.7"),
        ({"keywords_per_minute": 30.0}, "keywords_per_minute 30.0"),
        ({"words": ("on", "lamp")}, "'lamp' is no keyword"),
        ({"words": ("_silence_",)}, "'_silence_' is no keyword"),
    ],
)
def test_what_makes_no_stream_is_refused(clips, changed, said):
    with pytest.raises(ValueError, match=said):
        make(clips, **changed)
