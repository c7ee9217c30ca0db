"""Spoken keywords as the labs use them: clips of one second, their features, and disturbed copies.

`load_clips` fetches a split, `Clips.features` turns it into what the network reads, and
`augmented` makes the shifted, stretched, noisy copies that the network is trained on. It trains
nothing and draws nothing.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from course_utils import data
from labs.shared.features import SAMPLE_RATE_HZ, Mfcc, peak_normalized

WORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
CLASSES = (*WORDS, "_silence_", "_unknown_")  # in the order of MLPerf Tiny
SILENCE = CLASSES.index("_silence_")
CLIP_SAMPLES = SAMPLE_RATE_HZ  # one second

# Mean and spread of each coefficient over the training clips of Speech Commands (MFCCs of clips
# with a peak of 1). They are constants of the labs: every network takes the same input, whatever it
# was trained on.
FEATURE_MEAN = (-6.3, 1.7, 0.3, -0.4, -0.2, -0.1, -0.1, -0.2, -0.3, -0.3)
FEATURE_STD = (24.7, 3.8, 2.4, 1.9, 1.6, 1.3, 1.1, 1.0, 1.0, 0.9)

SLOWEST, FASTEST = 0.88, 1.14  # speed of a disturbed copy; pitch changes with it
SHIFT_S = 0.1  # farthest shift of a disturbed copy, either way
QUIETEST = 1e-3  # the quietest noise, as a share of the loudest: 60 dB below
_CHUNK = 50  # clips at a time: as many as stay in a processor's cache


@dataclass(frozen=True, eq=False, repr=False)
class Clips:
    """Recordings of one second each, with what was said and by whom.

    Parameters
    ----------
    samples
        (n, 16000), float32, in [-1, 1], at 16 kHz.
    labels
        (n,), int64, positions in `CLASSES`.
    speakers, words
        (n,), text: who speaks, and the word itself, also that of unknown words.
    name, split, source
        Data set, its split, and the place it came from.

    Examples
    --------
    >>> load_clips("keywords_synthetic", "val")
    keywords_synthetic val: 360 clips, from this project
    """

    samples: Tensor
    labels: Tensor
    speakers: NDArray[np.str_]
    words: NDArray[np.str_]
    name: str
    split: str
    source: str

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"{self.name} {self.split}: {len(self):,} clips, from {self.source}"

    def features(self) -> Tensor:
        """Return what a network of the labs reads, (n, 1, 49, 10), float32."""
        return features_of(self.samples)

    def clusters(self) -> list[str]:
        """Return to whom each clip belongs: its speaker; a clip of silence only to itself.

        Silence has no speaker, and its clips are cut from recordings without any.
        """
        silent, speakers = (self.labels == SILENCE).tolist(), self.speakers.tolist()
        return [f"silence {i}" if silent[i] else speakers[i] for i in range(len(self))]


def load_clips(dataset: str, split: str) -> Clips:
    """Return one split of a set of spoken keywords.

    Parameters
    ----------
    dataset
        A set of `course_utils.data` with the twelve classes of the labs.
    split
        ``train``, ``val`` or ``test``; no speaker is in two of them.

    Raises
    ------
    ValueError
        If the set has other classes, naming it.
    """
    fitting = [each.name for each in data.list_datasets() if _fits(each)]
    if not _fits(data.info(dataset)):
        raise ValueError(f"{dataset} is no set of the labs' keywords; give {', '.join(fitting)}")
    loaded = data.load(dataset, split=split)
    return Clips(
        samples=torch.from_numpy(loaded.x),
        labels=torch.from_numpy(loaded.y),
        speakers=np.asarray(loaded.speakers),
        words=np.asarray(loaded.words),
        name=loaded.name,
        split=loaded.split,
        source=loaded.source,
    )


def _fits(dataset: data.DatasetInfo) -> bool:
    return tuple(dataset.classes) == CLASSES and {"train", "val", "test"} <= set(dataset.splits)


def joined(first: Clips, second: Clips) -> Clips:
    """Return the clips of both, one after the other, with both names."""
    return replace(
        first,
        samples=torch.cat([first.samples, second.samples]),
        labels=torch.cat([first.labels, second.labels]),
        speakers=np.concatenate([first.speakers, second.speakers]),
        words=np.concatenate([first.words, second.words]),
        name=f"{first.name} + {second.name}",
        source=f"{first.source} + {second.source}",
    )


@torch.no_grad()
def features_of(samples: Tensor) -> Tensor:
    """Return the standardised MFCCs of clips; each clip is scaled to a peak of 1 before.

    Parameters
    ----------
    samples
        (n, 16000), float32.

    Returns
    -------
    Tensor
        (n, 1, 49, 10), float32, on the device of the samples.
    """
    mfcc = Mfcc().to(samples.device)
    mean, std = (samples.new_tensor(constant) for constant in (FEATURE_MEAN, FEATURE_STD))
    parts = [mfcc(peak_normalized(chunk)) for chunk in torch.split(samples, _CHUNK)]
    features: Tensor = (torch.cat(parts) - mean) / std
    return features[:, None]


def augmented(clips: Clips, *, noise: float, seed: int) -> Tensor:
    """Return the features of a disturbed copy of clips: shifted, stretched and with noise.

    Each clip is moved by up to 100 ms, played at 0.88 to 1.14 times its speed, and mixed with
    noise of a random colour, whose loudness is uniform in decibels: most copies stay nearly
    clean, as most clips are.

    Parameters
    ----------
    clips
        Left as they are.
    noise
        Peak of the loudest noise, as a share of the clip's own peak, 0 to 1.
    seed
        Another seed gives another copy. All random numbers are drawn on the processor, so a seed
        means the same on every device.

    Raises
    ------
    ValueError
        If `noise` is outside 0 to 1, naming it.

    Returns
    -------
    Tensor
        (n, 1, 49, 10), float32, on the device of the clips.
    """
    if not 0 <= noise <= 1:
        raise ValueError(f"noise is {noise}; give a share of the clip's peak from 0 to 1")
    rng = torch.Generator().manual_seed(seed)
    parts = []
    for chunk in torch.split(clips.samples, _CHUNK):
        quieter = QUIETEST ** torch.rand(len(chunk), 1, generator=rng)  # uniform in decibels
        moved = stretched(peak_normalized(chunk), rng)
        added = noise * quieter * make_noise(len(chunk), rng)
        parts.append(features_of(moved + added.to(chunk.device)))
    return torch.cat(parts)


def stretched(samples: Tensor, rng: torch.Generator) -> Tensor:
    """Return clips moved in time and played at another speed, each by random amounts of its own.

    Between two samples the straight line counts; what lies outside the clip is silence.
    """
    speed = SLOWEST + (FASTEST - SLOWEST) * torch.rand(len(samples), generator=rng)
    shift = 2 * SHIFT_S * (2 * torch.rand(len(samples), generator=rng) - 1)
    # To these functions a clip is a row of pixels at places from -1 to 1: a second is 2 long.
    change = torch.zeros(len(samples), 2, 3)
    change[:, 0, 0], change[:, 0, 2], change[:, 1, 1] = speed, shift, 1
    shape = [len(samples), 1, 1, samples.shape[1]]
    places = functional.affine_grid(change.to(samples.device), shape, align_corners=False)
    rows = samples[:, None, None]
    return functional.grid_sample(rows, places, align_corners=False)[:, 0, 0]


def make_noise(clips: int, rng: torch.Generator) -> Tensor:
    """Return noise of random colours, from white to brown, each with a peak of 1.

    The spectrum falls as ``1 / f ** slope`` with a slope of 0 (white, a hiss) to 1.2 (a rumble).

    Returns
    -------
    Tensor
        (clips, 16000), float32.
    """
    bins = CLIP_SAMPLES // 2 + 1
    slope = 1.2 * torch.rand(clips, 1, generator=rng)
    falling = torch.exp(-slope * torch.log(torch.arange(1.0, bins + 1)))
    waves = torch.view_as_complex(torch.randn(clips, bins, 2, generator=rng)) * falling
    noise: Tensor = torch.fft.irfft(waves, n=CLIP_SAMPLES)
    return noise / noise.abs().amax(1, keepdim=True)
