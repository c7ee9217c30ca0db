"""The smallest noise at which two networks answer differently, as far as it can be searched.

For each clip one draw of noise is made louder and louder. The first of some levels at which the
answers differ, tried twice, the second time more closely, is narrowed down by halving. Both ends
are facts: at the lower level they agree, at the upper one they differ. "Smallest" holds for this
draw and these levels alone: another draw may need less, and between two levels at which they agree
they may differ.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from labs.shared.keywords import CLASSES, CLIP_SAMPLES, features_of, make_noise

Floats = npt.NDArray[np.floating[Any]]
Answer = Callable[[Tensor], Floats]  # features -> probabilities, (n, classes)
SHARES = tuple(float(x) for x in np.geomspace(0.004, 0.5, 8).round(4))
CLOSER = tuple(float(x) for x in np.geomspace(0.01, 1.0, 12))  # of a first find
STEPS = 6  # halvings


@dataclass(frozen=True, eq=False)
class Disagreement:
    """Where two networks part on one clip with one draw of noise.

    Parameters
    ----------
    clip
        Its position.
    agreed
        Largest share below `differed` at which both gave one answer; 0 if they differ without
        noise, the highest that was tried if they never differed.
    differed
        Smallest share found at which they differ, or None if there was none.
    int8, float32
        Their answers there.
    """

    clip: int
    agreed: float
    differed: float | None
    int8: str = ""
    float32: str = ""

    def __str__(self) -> str:
        if self.differed is None:
            return f"clip {self.clip}: one answer up to {self.agreed:g}"
        where = f"at {self.differed:.4f}" if self.differed else "without any noise"
        return f'clip {self.clip}: {where} int8 says "{self.int8}", float32 "{self.float32}"'


@dataclass(frozen=True, eq=False, repr=False)
class Curve:
    """The scores of both networks on one clip as noise grows.

    Parameters
    ----------
    shares
        (levels,).
    int8, float32
        (levels, classes).
    labels
        Positions of the classes between which they part.
    agreed, differed
        As in `Disagreement`.
    """

    shares: Floats = field(repr=False)
    int8: Floats
    float32: Floats
    labels: tuple[int, ...]
    agreed: float
    differed: float


def noises(count: int, *, seed: int) -> Tensor:
    """Return so many draws of noise of random colours, (count, 16000), each with a peak of 1."""
    return make_noise(count, torch.Generator().manual_seed(seed))


def smallest_disagreement(
    samples: Tensor,
    noise: Tensor,
    *,
    int8: Answer,
    float32: Answer,
    shares: Sequence[float] = SHARES,
    steps: int = STEPS,
) -> list[Disagreement]:
    """Return for each clip the smallest noise found at which two networks answer differently.

    Parameters
    ----------
    samples
        (n, 16000), float32; each is scaled to a peak of 1.
    noise
        (n, 16000), one draw for each.
    int8, float32
        Probabilities of features, (n, 1, 49, 10).
    shares
        Peaks of the noise that are tried first, rising, > 0; no noise is tried before them.
    steps
        How often the interval is halved.

    Raises
    ------
    ValueError
        If there is not one draw for each clip.
    """
    if samples.shape != noise.shape or samples.shape[1:] != (CLIP_SAMPLES,):
        raise ValueError(
            f"samples are {tuple(samples.shape)}, noise {tuple(noise.shape)}; give one draw of "
            f"{CLIP_SAMPLES} samples for each clip"
        )
    pair = _Pair(
        samples / samples.abs().amax(1, keepdim=True).clamp_min(1e-9), noise, int8, float32
    )
    clips = np.arange(len(samples))
    low, high = pair.first(clips, np.outer([0.0, *shares], np.ones(len(clips))))
    parted = clips[np.isfinite(high) & (high > 0)]
    # Once more below the first find, since answers may part, meet again and part for good.
    if parted.size:
        finer = np.outer([0.0, *CLOSER], high[parted])
        low[parted], high[parted] = pair.first(parted, finer)
    parted = parted[high[parted] > 0]
    for _ in range(steps):
        if parted.size:
            middle = (low[parted] + high[parted]) / 2
            apart = pair.differ(parted, middle)
            high[parted[apart]], low[parted[~apart]] = middle[apart], middle[~apart]
    return [pair.told(clip, low=low[clip], high=high[clip]) for clip in clips.tolist()]


def curve_of(
    found: Disagreement,
    samples: Tensor,
    *,
    noise: Tensor,
    int8: Answer,
    float32: Answer,
    levels: int = 21,
) -> Curve:
    """Return the scores of both networks on a clip around the place where they part.

    Parameters
    ----------
    found
        Of this clip.
    samples, noise
        As for `smallest_disagreement`.
    int8, float32
        The two networks.
    levels
        From no noise to twice as much as parts them, >= 2.

    Raises
    ------
    ValueError
        If they never differed.
    """
    if found.differed is None:
        raise ValueError(f"the two never differed on clip {found.clip}; take another")
    shares = np.linspace(0.0, 2 * found.differed or SHARES[0], levels)
    clip = samples[found.clip] / samples[found.clip].abs().max().clamp_min(1e-9)
    mixed = clip[None] + torch.from_numpy(shares).float()[:, None] * noise[found.clip][None]
    features = features_of(mixed)
    names = [name.strip("_") for name in CLASSES]
    labels = (names.index(found.int8), names.index(found.float32))
    scores = int8(features), float32(features)
    return Curve(shares, *scores, labels=labels, agreed=found.agreed, differed=found.differed)


@dataclass(frozen=True)
class _Pair:
    clips: Tensor
    noise: Tensor
    int8: Answer
    float32: Answer

    def scores(self, clips: npt.NDArray[np.int_], shares: Floats) -> tuple[Floats, Floats]:
        loud = torch.from_numpy(np.asarray(shares, dtype=np.float32))[:, None]
        features = features_of(self.clips[clips] + loud * self.noise[clips])
        return self.int8(features), self.float32(features)

    def differ(self, clips: npt.NDArray[np.int_], shares: Floats) -> npt.NDArray[np.bool_]:
        """Return where float32's answer is not among the best of int8, which knows ties."""
        rough, exact = self.scores(clips, shares)
        found: npt.NDArray[np.bool_] = _at(rough, exact.argmax(1)) < rough.max(1)
        return found

    def first(self, clips: npt.NDArray[np.int_], levels: Floats) -> tuple[Floats, Floats]:
        """Return the last level before, and the first at which they differ: infinite if none.

        Levels are (levels, clips), rising.
        """
        table = np.stack([self.differ(clips, row) for row in levels])
        found = np.where(table.any(0), table.argmax(0), len(levels))
        padded = np.vstack([levels, np.full(len(clips), np.inf)])
        columns = np.arange(len(clips))
        return padded[np.maximum(found - 1, 0), columns], padded[found, columns]

    def told(self, clip: int, *, low: float, high: float) -> Disagreement:
        if not np.isfinite(high):
            return Disagreement(clip, float(low), None)
        rough, exact = self.scores(np.array([clip]), np.array([high]))
        names = [CLASSES[int(scores[0].argmax())].strip("_") for scores in (rough, exact)]
        return Disagreement(clip, float(low), float(high), *names)


def _at(scores: Floats, labels: npt.NDArray[np.int_]) -> Floats:
    return np.take_along_axis(scores, labels[:, None], axis=1)[:, 0]
