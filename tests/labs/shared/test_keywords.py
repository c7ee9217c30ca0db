"""Clips, features and disturbed copies: against numpy, loops and their own description."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.shared import keywords
from labs.shared.features import Mfcc


def clips(n: int = 6, *, seed: int = 0) -> keywords.Clips:
    """Random clips of three speakers; the last one is silence."""
    rng = np.random.default_rng(seed)
    labels = torch.arange(n) % 10
    labels[-1] = keywords.SILENCE
    return keywords.Clips(
        samples=torch.from_numpy(rng.uniform(-0.3, 0.3, (n, 16_000)).astype(np.float32)),
        labels=labels,
        speakers=np.array(["ann", "bob", "cyd"] * n)[:n],
        words=np.array([keywords.CLASSES[label] for label in labels]),
        name="noise",
        split="train",
        source="a test",
    )


@pytest.fixture(scope="module")
def validation() -> keywords.Clips:
    return keywords.load_clips("keywords_synthetic", "val")


def test_the_bundled_clips_are_whole(validation):
    n = len(validation)
    assert validation.samples.shape == (n, 16_000)
    assert validation.samples.dtype == torch.float32
    assert float(validation.samples.abs().max()) <= 1
    assert sorted(set(validation.labels.tolist())) == list(range(12))
    assert len(validation.speakers) == len(validation.words) == n


def test_no_voice_is_in_two_splits(validation):
    other = keywords.load_clips("keywords_synthetic", "test")
    voices = [set(part.speakers[part.labels != keywords.SILENCE]) for part in (validation, other)]
    assert voices[0].isdisjoint(voices[1])


def test_a_set_without_these_classes_is_named():
    with pytest.raises(ValueError, match="digits is no set of the labs' keywords"):
        keywords.load_clips("digits", "val")


def test_features_are_standardised_coefficients_of_single_clips():
    some = clips(3)
    for clip, got in zip(some.samples, some.features(), strict=True):
        coefficients = Mfcc()(clip[None] / clip.max())[0]
        want = (coefficients - torch.tensor(keywords.FEATURE_MEAN)) / torch.tensor(
            keywords.FEATURE_STD
        )
        # float32 sums in another order; the coefficients go up to about 100.
        torch.testing.assert_close(got[0], want, rtol=0, atol=1e-3)


def test_features_do_not_depend_on_loudness():
    samples = clips(2).samples
    # Scaling by a power of two is exact, so nothing at all may change.
    assert torch.equal(keywords.features_of(samples), keywords.features_of(samples / 8))


def test_features_of_digital_silence_are_finite():
    assert keywords.features_of(torch.zeros(2, 16_000)).isfinite().all()


@pytest.mark.skipif(not os.environ.get("COURSE_DATA"), reason="needs COURSE_DATA")
def test_the_constants_are_those_of_the_real_training_clips():
    folder = Path(os.environ["COURSE_DATA"])
    if not (folder / "speech_commands_v2_testset_dev.tar").exists():
        pytest.skip(f"no Speech Commands in {folder}")
    features = keywords.load_clips("speech_commands", "train").features()[:, 0]
    mean, std = features.mean((0, 1)), features.std((0, 1))
    # The constants have one decimal, of spreads of about 1: half a decimal off, and 0.1 at most
    # for the smallest spread, which is rounded up.
    assert float(mean.abs().max()) < 0.1
    assert float((std - 1).abs().max()) < 0.15


def test_a_seed_gives_the_same_copy_and_touches_nothing_else():
    some, state = clips(), torch.random.get_rng_state()
    before = some.samples.clone()
    one, two, other = (keywords.augmented(some, noise=0.2, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(some.samples, before)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("noise", [-0.1, 1.1, float("nan")])
def test_noise_out_of_range_is_named(noise):
    with pytest.raises(ValueError, match=f"noise is {noise}"):
        keywords.augmented(clips(), noise=noise, seed=0)


@given(seed=st.integers(0, 50))
@settings(max_examples=10, deadline=None)
def test_stretching_reads_between_samples_along_a_line(seed):
    """numpy's interpolation at the places that the same random numbers give."""
    sound = np.sin(np.arange(16_000) / 40).astype(np.float32)
    got = keywords.stretched(torch.from_numpy(sound)[None], torch.Generator().manual_seed(seed))
    rng = torch.Generator().manual_seed(seed)
    speed = 0.88 + 0.26 * float(torch.rand(1, generator=rng))
    shift = 0.1 * 16_000 * (2 * float(torch.rand(1, generator=rng)) - 1)
    places = (np.arange(16_000) - 7999.5) * speed + 7999.5 + shift
    want = np.interp(places, np.arange(-1, 16_001), [0, *sound, 0], left=0, right=0)
    # Places are float32 of up to 16,000, good to 0.002 of a sample; the slope is 1/40 at most,
    # and 1 beyond the two ends of the clip, where it falls to silence within a sample.
    ends = (np.abs(places) < 2) | (np.abs(places - 15_999) < 2)
    np.testing.assert_allclose(got[0].numpy()[~ends], want[~ends], atol=0.01 / 40 + 1e-4)


def test_noise_has_a_peak_of_one_and_every_colour():
    noise = keywords.make_noise(200, torch.Generator().manual_seed(0))
    assert noise.shape == (200, 16_000)
    torch.testing.assert_close(noise.abs().amax(1), torch.ones(200))
    power = torch.fft.rfft(noise).abs().square()
    low = power[:, 1:800].sum(1) / power.sum(1)  # share below 800 Hz, a tenth of all bins
    assert float(low.min()) < 0.2
    assert float(low.max()) > 0.9


def test_joined_clips_keep_both_names_and_their_order():
    one, two = clips(4), clips(3, seed=1)
    both = keywords.joined(one, two)
    assert len(both) == 7
    assert both.name == "noise + noise"
    assert torch.equal(both.samples[4:], two.samples)
    assert both.speakers.tolist() == [*one.speakers, *two.speakers]
    assert repr(both) == "noise + noise train: 7 clips, from a test + a test"
