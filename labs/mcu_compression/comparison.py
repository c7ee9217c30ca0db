"""Networks judged on the same clips: each accuracy with its interval, each loss paired.

Two networks that hear the same clips are compared clip by clip, and speakers are resampled, not
clips: that is far sharper than comparing two intervals. It trains and draws nothing.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from course_utils import stats
from labs.mcu_compression import training
from labs.shared.keywords import Clips
from labs.shared.tables import Table

RESAMPLES = 2000
REFERENCE = "float32"


@dataclass(frozen=True, eq=False)
class Judged:
    """How a network did on some clips.

    Parameters
    ----------
    right
        (n,), bool: which clips it got right.
    top1
        The share of them, with the interval over speakers.
    loss
        How much less than the reference's, paired by clip, with the interval over speakers.
    """

    right: npt.NDArray[np.bool_]
    top1: stats.Interval
    loss: stats.PairedDifference


def judge(
    networks: Mapping[str, nn.Module],
    reference: nn.Module,
    *,
    clips: Clips,
    features: Tensor,
    rng: np.random.Generator,
) -> dict[str, Judged]:
    """Return how networks do on some clips, each beside a reference, which comes first.

    Parameters
    ----------
    networks
        By name; run in evaluation mode.
    reference
        What the losses are relative to: the float32 network, and called so.
    clips, features
        The clips, and their features (n, 1, 49, 10).
    rng
        For the resampling of speakers.
    """
    clusters = clips.clusters()
    found: dict[str, Judged] = {}
    for name, network in {REFERENCE: reference, **networks}.items():
        right = training.is_right(network, (features, clips.labels)).cpu().numpy()
        base = found[REFERENCE].right if found else right
        top1 = stats.cluster_bootstrap(right, clusters, rng=rng, resamples=RESAMPLES)
        found[name] = Judged(right, top1, _difference(base, right, clusters, rng))
    return found


def table(
    judged: Mapping[str, Mapping[str, Judged]], sizes: Mapping[str, Mapping[str, int]]
) -> Table:
    """Return a row for each version of each network: bytes, accuracy and loss.

    Parameters
    ----------
    judged
        For the name of each network what `judge` returned.
    sizes
        The bytes of each version, by the same names.
    """
    return Table(
        [
            {
                "network": who,
                "version": name,
                "bytes": f"{sizes[who][name]:,}",
                "accuracy": each.top1.result().describe("top1"),
                "lost against float32": each.loss.result().describe("top1"),
            }
            for who, versions in judged.items()
            for name, each in versions.items()
        ]
    )


def steps(judged: Mapping[str, Judged], *, clips: Clips, rng: np.random.Generator) -> Table:
    """Return what each version loses against the one before it, and whether that is luck.

    Parameters
    ----------
    judged
        As `judge` returned them, from the largest version to the smallest.
    clips
        That they were judged on.
    rng
        For the resampling of speakers.
    """
    clusters, rows = clips.clusters(), []
    for (before, a), (after, b) in itertools.pairwise(judged.items()):
        lost = _difference(a.right, b.right, clusters, rng)
        rows.append(
            {
                "step": f"{before} to {after}",
                "accuracy lost": lost.result().describe("top1"),
                "told apart": "yes" if lost.interval.low > 0 or lost.interval.high < 0 else "no",
            }
        )
    return Table(rows)


def _difference(
    a: npt.NDArray[np.bool_],
    b: npt.NDArray[np.bool_],
    clusters: list[str],
    rng: np.random.Generator,
) -> stats.PairedDifference:
    return stats.paired_difference(a, b, clusters=clusters, rng=rng, resamples=RESAMPLES)
