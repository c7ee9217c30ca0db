"""One second of sound for a network: of a clip, a recording or a file of any rate.

A file is read in memory, limited in size and length before it is decoded, mixed to one channel,
brought to 16 kHz and cut to the second with the most energy. What cannot be used is refused in one
line. Nothing is written to disk, sent or drawn, and no text shown of a sound holds its samples.
"""

import io
import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from labs.engine.errors import LabError
from labs.shared.features import SAMPLE_RATE_HZ
from labs.shared.keywords import CLASSES, CLIP_SAMPLES, Clips

MAX_BYTES = 8_000_000  # 30 s in stereo at 48 kHz are 5.8 MB
MAX_SECONDS, MIN_SECONDS = 30.0, 0.2
RATES_HZ = (8_000, 192_000)
MAX_CHANNELS = 8
FAINTEST = 1e-4  # of full scale: three steps of 16 bits
FORMATS = "a WAV, FLAC or OGG file"

Floats = npt.NDArray[np.float32]


class SoundError(LabError):
    """A sound cannot be used; the message says why and what to do."""


@dataclass(frozen=True, eq=False)
class Sound:
    """One second to listen to.

    Parameters
    ----------
    samples
        (16000,), float32, in [-1, 1], at 16 kHz.
    name
        For titles and feet of figures; never the name of a file.
    is_own
        Whether it was recorded or uploaded here.
    note
        What was done to it.
    """

    samples: Tensor = field(repr=False)
    name: str
    is_own: bool = False
    note: str = ""


def from_clip(clips: Clips, index: int) -> Sound:
    """Return a clip of a data set.

    Parameters
    ----------
    clips
        One split.
    index
        Position in it.
    """
    word = CLASSES[int(clips.labels[index])].strip("_")
    return Sound(clips.samples[index], f'"{word}" of {clips.name}, {clips.split}')


def from_bytes(content: bytes, *, name: str = "your recording") -> Sound:
    """Return the loudest second of a sound file.

    Parameters
    ----------
    content
        The file; anything.
    name
        What to call it.

    Raises
    ------
    SoundError
        If it is empty, too large, too long, too short, silent, or no sound file.
    """
    if not content:
        raise SoundError(f"the file is empty; give {FORMATS}")
    if len(content) > MAX_BYTES:
        raise SoundError(f"the file has {len(content):,} B; give at most {MAX_BYTES:,} B")
    samples, rate_hz = _decoded(content)
    mono = samples.mean(axis=1)
    if not np.isfinite(mono).all():
        raise SoundError("the file holds samples that are no numbers; export it anew")
    whole = np.clip(resampled(mono, rate_hz), -1.0, 1.0)
    second, note = loudest_second(whole)
    if float(np.abs(second).max()) < FAINTEST:
        raise SoundError("the sound is silent; check the microphone and speak louder")
    return Sound(torch.from_numpy(second), name, is_own=True, note=note)


def _decoded(content: bytes) -> tuple[Floats, int]:
    """Return samples, (n, channels), and rate; no more is decoded than may be used."""
    import soundfile  # noqa: PLC0415 - loads libsndfile

    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            _check(file.samplerate, file.channels, file.frames)
            most = math.ceil(MAX_SECONDS * file.samplerate) + 1
            samples = file.read(most, dtype="float32", always_2d=True)
            rate_hz = int(file.samplerate)
    except (RuntimeError, TypeError, ValueError, MemoryError, OverflowError) as err:
        raise SoundError(f"the file cannot be read as sound; give {FORMATS}") from err
    _check(rate_hz, samples.shape[1], len(samples))
    return samples, rate_hz


def _check(rate_hz: int, channels: int, frames: int) -> None:
    """Refuse what a header or a file has too much or too little of."""
    low, high = RATES_HZ
    if not low <= rate_hz <= high:
        raise SoundError(f"the sample rate is {rate_hz:,} Hz; give {low:,} to {high:,} Hz")
    if not 1 <= channels <= MAX_CHANNELS:
        raise SoundError(f"the file has {channels} channels; give 1 to {MAX_CHANNELS}")
    seconds = frames / rate_hz
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise SoundError(
            f"the sound is {seconds:.3g} s long; give {MIN_SECONDS:g} to {MAX_SECONDS:g} s"
        )


def resampled(samples: Floats, rate_hz: int) -> Floats:
    """Return samples at 16 kHz; what cannot be heard at that rate is filtered away before.

    Parameters
    ----------
    samples
        (n,), float32.
    rate_hz
        Their rate [Hz], > 0.

    Examples
    --------
    >>> resampled(np.zeros(44_100, np.float32), 44_100).shape
    (16000,)
    """
    if rate_hz == SAMPLE_RATE_HZ:
        return samples
    from scipy.signal import resample_poly  # noqa: PLC0415 - loads for a second

    shared = math.gcd(rate_hz, SAMPLE_RATE_HZ)
    found = resample_poly(samples, SAMPLE_RATE_HZ // shared, rate_hz // shared)
    return np.asarray(found, dtype=np.float32)


def loudest_second(samples: Floats) -> tuple[Floats, str]:
    """Return one second, its energy as central as can be, and a note on what was done.

    Parameters
    ----------
    samples
        (n,), at 16 kHz, n >= 1; shorter ones get silence on both sides.

    Examples
    --------
    >>> click = np.zeros(48_000, np.float32)
    >>> click[30_000] = 1
    >>> second, note = loudest_second(click)
    >>> int(second.argmax()), note
    (8000, 'the loudest second of 3.0 s')
    """
    seconds = len(samples) / SAMPLE_RATE_HZ
    if len(samples) <= CLIP_SAMPLES:
        missing = CLIP_SAMPLES - len(samples)
        around = (missing // 2, missing - missing // 2)
        note = f"{seconds:.1f} s, with silence around it" if missing else ""
        return np.pad(samples, around).astype(np.float32), note
    energy = samples.astype(np.float64) ** 2
    sums = np.concatenate([[0.0], np.cumsum(energy)])
    start = int(np.argmax(sums[CLIP_SAMPLES:] - sums[:-CLIP_SAMPLES]))
    inside = energy[start : start + CLIP_SAMPLES]
    if inside.sum() > 0:
        start += (
            round(float(np.average(np.arange(CLIP_SAMPLES), weights=inside))) - CLIP_SAMPLES // 2
        )
    start = min(max(start, 0), len(samples) - CLIP_SAMPLES)
    second = samples[start : start + CLIP_SAMPLES].astype(np.float32)
    return second, f"the loudest second of {seconds:.1f} s"


def wav_of(sound: Sound) -> bytes:
    """Return a sound as a WAV file of 16 bits at 16 kHz, scaled so that it can be heard."""
    import soundfile  # noqa: PLC0415 - loads libsndfile

    loud = 0.9 * sound.samples / sound.samples.abs().max().clamp_min(1e-9)
    file = io.BytesIO()
    soundfile.write(file, loud.numpy(), SAMPLE_RATE_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()
