"""Files of any kind become one second at 16 kHz, or are refused in one line."""

import contextlib
import io

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.mcu_compression import sounds
from labs.mcu_compression.sounds import (
    Sound,
    SoundError,
    from_bytes,
    loudest_second,
    resampled,
    wav_of,
)


def tone(seconds=1.0, *, rate_hz=16_000, channels=1, hz=440.0, kind="WAV", subtype=None):
    """A sine in a file, its right channel silent."""
    wave = 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)
    samples = np.zeros((len(wave), channels))
    samples[:, 0] = wave
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=kind, subtype=subtype)
    return file.getvalue()


@pytest.mark.parametrize(
    ("rate_hz", "channels", "kind"),
    [(16_000, 1, "WAV"), (8_000, 1, "WAV"), (44_100, 2, "FLAC"), (48_000, 2, "OGG")],
)
def test_a_tone_stays_a_tone(rate_hz, channels, kind):
    """The spectrum is the oracle: its peak is at 440 Hz, and half as loud in mono of two."""
    content = tone(2.0, rate_hz=rate_hz, channels=channels, kind=kind)
    sound = from_bytes(content)
    assert sound.samples.shape == (16_000,)
    assert sound.samples.dtype == torch.float32
    spectrum = np.abs(np.fft.rfft(sound.samples.numpy()))
    assert abs(int(spectrum.argmax()) - 440) <= 1
    peak = float(sound.samples.abs().max())
    assert peak == pytest.approx(0.5 / channels, rel=0.03)  # Vorbis changes samples a little
    assert sound.is_own
    assert sound.note == "the loudest second of 2.0 s"


def test_what_16_khz_cannot_hold_is_filtered_away_and_not_folded_down():
    """14 kHz would come out as 2 kHz, and as loud, if every third sample were taken."""
    wave = np.sin(2 * np.pi * 14_000 * np.arange(48_000) / 48_000).astype(np.float32)
    assert np.abs(wave[::3]).max() > 0.9
    assert np.abs(resampled(wave, 48_000)[100:-100]).max() < 0.01


def test_a_short_word_gets_silence_around_it():
    sound = from_bytes(tone(0.5))
    assert float(sound.samples[:4_000].abs().max()) == 0
    assert float(sound.samples[-4_000:].abs().max()) == 0
    assert sound.note == "0.5 s, with silence around it"


@given(st.integers(0, 60_000))
@settings(max_examples=20, deadline=None)
def test_a_click_is_found_wherever_it_is(place):
    samples = np.zeros(60_001, np.float32)
    samples[place] = 1
    second, _ = loudest_second(samples)
    assert second.shape == (16_000,)
    assert second.sum() == 1
    if 8_000 <= place <= 52_000:
        assert int(second.argmax()) == 8_000


HEADER = tone(1.0)
NOT_NUMBERS = np.full(16_000, np.nan)


def floats(samples):
    file = io.BytesIO()
    soundfile.write(file, samples, 16_000, format="WAV", subtype="FLOAT")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty; give a WAV"),
        (b"no sound at all", "cannot be read as sound; give a WAV"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt ", "cannot be read as sound"),
        (b"\x00" * 10_000, "cannot be read as sound"),
        (b"x" * (sounds.MAX_BYTES + 1), "give at most 8,000,000"),
        (HEADER[:44], "0 s long; give 0.2 to 30 s"),
        (tone(0.1), "0.1 s long; give 0.2 to 30 s"),
        (tone(31.0, rate_hz=8_000), "31 s long"),
        (tone(1.0, rate_hz=4_000), "4,000 Hz; give 8,000 to 192,000 Hz"),
        (tone(1.0, channels=9), "9 channels; give 1 to 8"),
        (floats(NOT_NUMBERS), "no numbers"),
        (floats(np.zeros(16_000)), "silent; check the microphone"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(content, reason):
    with pytest.raises(SoundError) as caught:
        from_bytes(content)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.binary(min_size=1, max_size=300), st.integers(0, 200))
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_a_sound_or_is_refused(noise, at):
    content = bytearray(HEADER)
    content[at : at + len(noise)] = noise
    with contextlib.suppress(SoundError):
        assert from_bytes(bytes(content)).samples.isfinite().all()


def test_the_text_of_a_sound_holds_no_samples():
    sound = from_bytes(tone())
    assert repr(sound) == "Sound(name='your recording', is_own=True, note='')"


def test_the_player_gets_16_khz_and_loud_enough():
    quiet = Sound(torch.linspace(-0.01, 0.01, 16_000), "quiet")
    samples, rate_hz = soundfile.read(io.BytesIO(wav_of(quiet)))
    assert rate_hz == 16_000
    assert np.abs(samples).max() == pytest.approx(0.9, abs=1e-4)
