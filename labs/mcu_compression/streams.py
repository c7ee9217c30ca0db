"""Minutes of sound as a device hears them: keywords at known times, other words, pauses and noise.

`make_stream` composes a stream from clips, each used once, and notes when which word was said.
`features_of_stream` turns it into what the network reads every 100 ms, each frame computed once.
A composed stream is denser in words than a kitchen, and its noise is generated: it compares
networks and settings fairly, and it is no forecast for a room. Nothing is detected here.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from labs.shared.features import HOP_SAMPLES, SAMPLE_RATE_HZ, WINDOW_SAMPLES, Mfcc
from labs.shared.keywords import CLASSES, FEATURE_MEAN, FEATURE_STD, SILENCE, Clips

WINDOW_FRAMES, STRIDE_FRAMES = 49, 5  # one second, every 100 ms
WINDOW_S = 1.0
STRIDE_S = STRIDE_FRAMES * HOP_SAMPLES / SAMPLE_RATE_HZ
OTHERS_PER_MINUTE = 18.0
FADE_SAMPLES = 320  # 20 ms, so that no clip begins or ends with a click
PIECE_SAMPLES = 8 * SAMPLE_RATE_HZ  # background noise of one colour and level
CHUNK_FRAMES = 5000  # at a time: 100 s
HOPS = WINDOW_FRAMES + 1  # of 20 ms in a window


@dataclass(frozen=True)
class Event:
    """A word in a stream.

    Parameters
    ----------
    start_s, end_s
        When its clip begins and ends [s].
    label
        Position in `keywords.CLASSES`.
    word
        What was said.
    """

    start_s: float
    end_s: float
    label: int
    word: str


@dataclass(frozen=True, eq=False, repr=False)
class Stream:
    """A continuous recording with what was said in it.

    Parameters
    ----------
    samples
        (n,), float32, in [-1, 1], at 16 kHz.
    events
        Every word, in the order of time.
    words
        The keywords that a device listens for; all others should leave it in peace.
    name, split
        Data set and split of the clips.
    """

    samples: Tensor
    events: tuple[Event, ...]
    words: tuple[str, ...]
    name: str
    split: str

    @property
    def seconds(self) -> float:
        """Length [s]."""
        return len(self.samples) / SAMPLE_RATE_HZ

    @property
    def listened(self) -> tuple[int, ...]:
        """Positions in `keywords.CLASSES` of the words that are listened for."""
        return tuple(CLASSES.index(word) for word in self.words)

    @property
    def keywords(self) -> tuple[Event, ...]:
        """The events that a device should detect."""
        return tuple(event for event in self.events if event.label in self.listened)

    def __repr__(self) -> str:
        others = len(self.events) - len(self.keywords)
        return (
            f"{self.name} {self.split}: {self.seconds / 60:.1f} min with {len(self.keywords)} "
            f"times {' or '.join(self.words)} and {others} other words"
        )


def make_stream(
    clips: Clips,
    *,
    seconds: float,
    words: tuple[str, ...] = ("on", "off"),
    keywords_per_minute: float = 4.0,
    noise: float = 0.1,
    rng: np.random.Generator,
) -> Stream:
    """Compose a stream of clips at random times in background noise.

    No clip occurs twice, since a clip that fools the network once would fool it again. Where clips
    run out, the stream has fewer words than asked for. Words do not overlap.

    Parameters
    ----------
    clips
        Of one split, so that a threshold is chosen and judged on different voices.
    seconds
        Length [s], >= 10.
    words
        Keywords that the device listens for; other keywords and unknown words are said as well, 18
        a minute.
    keywords_per_minute
        How often such a keyword is said; 0 to 20.
    noise
        Loudest background noise, as a share of full scale; 0 to 0.5.
    rng
        Draws clips, times, levels and noise.

    Raises
    ------
    ValueError
        If a number is out of range or a word is no keyword, naming it.
    """
    if not (seconds >= 10 and 0 <= keywords_per_minute <= 20 and 0 <= noise <= 0.5):
        raise ValueError(
            f"seconds is {seconds}, keywords_per_minute {keywords_per_minute}, noise {noise}; "
            "give at least 10, 0 to 20 and 0 to 0.5"
        )
    if unknown := [word for word in words if word not in CLASSES[:10]]:
        raise ValueError(f"{unknown[0]!r} is no keyword; give some of {', '.join(CLASSES[:10])}")
    samples = _background(round(seconds * SAMPLE_RATE_HZ), noise, rng)
    picked = _pick(clips, words, (keywords_per_minute * seconds, OTHERS_PER_MINUTE * seconds), rng)
    free = len(samples) - len(picked) * SAMPLE_RATE_HZ
    gaps = np.sort(rng.integers(0, free, size=len(picked)))
    fade = torch.ones(SAMPLE_RATE_HZ)
    fade[:FADE_SAMPLES] = torch.linspace(0, 1, FADE_SAMPLES)
    fade[-FADE_SAMPLES:] = torch.linspace(1, 0, FADE_SAMPLES)
    events = []
    for number, (index, gap) in enumerate(zip(picked, gaps, strict=True)):
        start = int(gap) + number * SAMPLE_RATE_HZ
        clip = clips.samples[index]
        level = float(rng.uniform(0.3, 0.9)) / max(float(clip.abs().max()), 1e-3)
        samples[start : start + SAMPLE_RATE_HZ] += level * fade * clip
        start_s = start / SAMPLE_RATE_HZ
        label = int(clips.labels[index])
        events.append(Event(start_s, start_s + WINDOW_S, label, str(clips.words[index])))
    return Stream(samples.clamp(-1, 1), tuple(events), words, clips.name, clips.split)


@torch.no_grad()
def features_of_stream(stream: Stream) -> Tensor:
    """Return what a network reads every 100 ms: the features of the last second.

    Neighbouring windows share 44 of 49 frames, so every frame is computed once, and a window is a
    view of 49 rows. Only loudness differs from window to window: `keywords.features_of` scales each
    second to a peak of 1, and a factor on the samples is a summand after the logarithm, the same
    in all 40 bands. The cosine transform passes such a summand on to the first coefficient alone.

    Parameters
    ----------
    stream
        At least one second long.

    Returns
    -------
    Tensor
        (windows, 1, 49, 10), float32; window i ends at 1 + i / 10 s.
    """
    mfcc = Mfcc()
    count = (len(stream.samples) - WINDOW_SAMPLES) // HOP_SAMPLES + 1
    parts = []
    for first in range(0, count, CHUNK_FRAMES):
        last = min(first + CHUNK_FRAMES, count)
        end = (last - 1) * HOP_SAMPLES + WINDOW_SAMPLES
        parts.append(mfcc(stream.samples[None, first * HOP_SAMPLES : end])[0])
    rows = (torch.cat(parts) - torch.tensor(FEATURE_MEAN)) / torch.tensor(FEATURE_STD)
    windows = rows.unfold(0, WINDOW_FRAMES, STRIDE_FRAMES).transpose(1, 2)  # a view, no copy
    blocks = stream.samples[: (count + 1) * HOP_SAMPLES].view(-1, HOP_SAMPLES).amax(1)
    peaks = blocks.unfold(0, HOPS, STRIDE_FRAMES).amax(1)
    gains = torch.where(peaks > 0, 1 / peaks, 1.0)
    features = windows.clone()
    features[:, :, 0] += (gains.log() * mfcc.dct[:, 0].sum() / FEATURE_STD[0])[:, None]
    return features[:, None]


def _pick(
    clips: Clips, words: tuple[str, ...], per_hour: tuple[float, float], rng: np.random.Generator
) -> list[int]:
    """Return the clips of a stream in random order: keywords, and other words but no silence."""
    labels = clips.labels.numpy()
    is_keyword = np.isin(labels, [CLASSES.index(word) for word in words])
    picked: list[int] = []
    for chosen, number in zip(
        (is_keyword, ~is_keyword & (labels != SILENCE)), per_hour, strict=True
    ):
        there = np.flatnonzero(chosen)
        picked += rng.permutation(there)[: round(number / 60)].tolist()
    return [picked[i] for i in rng.permutation(len(picked))]


def _background(samples: int, noise: float, rng: np.random.Generator) -> Tensor:
    """Return noise whose colour and level change every few seconds, pieces faded into another."""
    overlap = SAMPLE_RATE_HZ
    step = PIECE_SAMPLES - overlap
    pieces = -(-samples // step)
    sound = torch.zeros(pieces * step + overlap)
    fade = torch.ones(PIECE_SAMPLES)
    fade[:overlap] = torch.linspace(0, 1, overlap)
    fade[-overlap:] = torch.linspace(1, 0, overlap)
    bins = torch.arange(1.0, PIECE_SAMPLES // 2 + 2)
    for piece in range(pieces):
        shape = bins ** -float(rng.uniform(0, 1.2))
        parts = torch.from_numpy(rng.standard_normal((2, len(bins)), dtype=np.float32))
        sound_piece = torch.fft.irfft(torch.complex(parts[0], parts[1]) * shape)
        level = float(rng.uniform(0, noise)) / sound_piece.abs().max()
        sound[piece * step : piece * step + PIECE_SAMPLES] += level * fade * sound_piece
    return sound[:samples]
