"""The versions of the network that the lab has made, compared on the same clips.

Each version is a network with its size and its right answers. `compare` says how much accuracy it
loses against the first and whether that may be luck; `affordable` says which fit a budget. Nothing
is trained, quantised or drawn here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import nn

from course_utils import stats
from course_utils.records import Result, counted
from labs.mcu_compression.training import speech_top1
from labs.shared.keywords import Clips
from labs.shared.tables import Table

SURE = 0.05  # adjusted p-values up to here count as a difference


@dataclass(frozen=True, eq=False, repr=False)
class Version:
    """One version of the network.

    Parameters
    ----------
    name
        Short: it stands in a figure.
    network
        In evaluation mode; computes as the version would.
    size_bytes
        Everything that is shipped: packed weights, scales, biases, masks [B].
    macs
        Multiply-accumulate operations for one second of sound.
    right
        (n,), bool: which validation clips it classifies right.
    """

    name: str
    network: nn.Module
    size_bytes: int
    macs: int
    right: npt.NDArray[np.bool_]

    def __repr__(self) -> str:
        return f"{self.name}: {self.size_bytes:,} B, {self.macs:,} MAC, {self.right.mean():.3f}"


@dataclass(frozen=True, repr=False)
class Comparison:
    """A version beside the first: `top1`, its `loss` (first minus this), and the adjusted p-value.

    `top1` and `loss` are over speakers; `p_value` is that of the paired test, adjusted by Holm for
    the number of versions compared, and 1 for the first itself (`is_first`).
    """

    name: str
    size: Result
    macs: int
    top1: Result
    loss: Result
    p_value: float
    is_first: bool = False

    @property
    def is_different(self) -> bool:
        """Whether the clips tell the version from the first."""
        return self.p_value <= SURE

    @property
    def verdict(self) -> str:
        """What the clips say about the version beside the first."""
        if self.is_first:
            return "the others are compared with it"
        if not self.is_different:
            return "cannot be told apart"
        return "worse" if self.loss.value > 0 else "better"

    def __repr__(self) -> str:
        said = (
            f"{self.name}: {self.size.describe('size_bytes')}, loses {self.loss.describe('top1')}"
        )
        return f"{said}: {self.verdict}"


def table(compared: Sequence[Comparison]) -> Table:
    """Return a row for each version; p is adjusted by Holm for the number of versions."""
    return Table(
        [
            {
                "version": each.name,
                "bytes": f"{each.size.value:,.0f}",
                "MACs": f"{each.macs:,}",
                "top-1": each.top1.describe("top1"),
                "loses": "" if each.is_first else each.loss.describe("top1"),
                "p": "" if each.is_first else f"{each.p_value:.2g}",
                "verdict": each.verdict,
            }
            for each in compared
        ]
    )


def compare(
    versions: Sequence[Version], clips: Clips, *, rng: np.random.Generator, resamples: int = 2000
) -> list[Comparison]:
    """Return every version beside the first, over the same clips, by speaker.

    Parameters
    ----------
    versions
        The first is what the others are compared with; at least one.
    clips
        Those that `right` of every version speaks of.
    rng, resamples
        Draw the speakers, so many times.

    Raises
    ------
    ValueError
        If a version was judged on other clips, naming it.
    """
    for version in versions:
        if len(version.right) != len(clips):
            raise ValueError(
                f"{version.name} has {len(version.right)} answers for {len(clips)} clips; "
                "judge every version on the same split"
            )
    speakers, first = clips.clusters(), versions[0]
    pairs = [
        stats.paired_difference(
            first.right, other.right, rng=rng, clusters=speakers, resamples=resamples
        )
        for other in versions[1:]
    ]
    p_values = stats.holm([pair.p_value for pair in pairs]) if pairs else []
    losses = [Result(0.0, 0.0, 0.0, n=len(set(speakers)), kind="measured")]
    losses += [pair.result() for pair in pairs]
    return [
        Comparison(
            version.name,
            counted(version.size_bytes),
            version.macs,
            speech_top1(version.right, clips, rng=rng).result(),
            loss,
            p_value,
            is_first=version is first,
        )
        for version, loss, p_value in zip(versions, losses, [1.0, *p_values], strict=True)
    ]


def affordable(
    compared: Sequence[Comparison], *, flash_bytes: float, most_loss: float
) -> list[Comparison]:
    """Return the versions that fit and whose loss is at most so much, even at its interval's end.

    Parameters
    ----------
    compared
        From `compare`.
    flash_bytes
        Room for the network [B].
    most_loss
        Accuracy that may be lost against the first, as a share; what counts is the upper end of
        the interval, since the true loss may lie there.
    """
    return [c for c in compared if c.size.value <= flash_bytes and c.loss.high <= most_loss]


def decide(
    versions: Sequence[Version],
    compared: Sequence[Comparison],
    *,
    name: str | None,
    flash_bytes: float,
    most_loss: float,
) -> Version:
    """Return the version with a name or, without one, what a plain rule would take.

    The rule: the smallest of those that are affordable. If there is none, the one that loses least
    of those that fit into flash; if none fits, the smallest.

    Parameters
    ----------
    versions, compared
        The versions, and what `compare` made of them.
    name
        Of a version, or None for the rule.
    flash_bytes, most_loss
        As for `affordable`.

    Raises
    ------
    ValueError
        If no version has that name, naming those that there are.
    """
    by_name = {version.name: version for version in versions}
    if name is not None:
        if name not in by_name:
            raise ValueError(f"no version is called {name!r}; there is {', '.join(by_name)}")
        return by_name[name]
    if left := affordable(compared, flash_bytes=flash_bytes, most_loss=most_loss):
        return by_name[min(left, key=lambda each: each.size.value).name]
    if left := affordable(compared, flash_bytes=flash_bytes, most_loss=1.0):
        return by_name[min(left, key=lambda each: each.loss.value).name]
    return min(versions, key=lambda version: version.size_bytes)
