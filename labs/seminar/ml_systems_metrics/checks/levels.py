"""The open checks of exercise 8.2: staircases that were drawn, not measured."""

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import Student

RISE = 1.5
Levels = list[tuple[int, float]]


def wanted_levels(sizes: Sequence[int], latencies: Sequence[float], *, rise: float) -> Levels:
    """Return the levels by walking down from the largest size."""
    found: list[Levels] = []
    plateau: Levels = []
    before = float("inf")
    for size, latency in sorted(zip(sizes, latencies, strict=True), reverse=True):
        clean = min(latency, before)
        if plateau and before > rise * clean:
            found.append(plateau)
            plateau = []
        plateau.append((size, clean))
        before = clean
    found.append(plateau)
    levels = [p for p in found if len(p) >= 3]
    return [(p[0][0], statistics.median(x for _, x in p)) for p in levels[::-1]]


def judge_levels(got: Any, *, sizes: Any, latencies: Any, rise: float, what: str) -> None:
    """Assert number, capacities and latencies of the levels."""
    wanted = wanted_levels([int(x) for x in sizes], [float(x) for x in latencies], rise=rise)
    assert isinstance(got, list | tuple | np.ndarray), f"return a list of pairs, not {got!r:.40}"
    assert len(got) == len(wanted), f"{what}: there are {len(wanted)} levels; yours {len(got)}"
    for number, (have, want) in enumerate(zip(got, wanted, strict=True), start=1):
        assert isinstance(have, list | tuple | np.ndarray), f"a level is a pair, not {have!r:.40}"
        assert len(have) == 2, f"a level is a pair (capacity, latency); yours has {len(have)}"
        assert_equal(have[0], want[0], what=f"{what}: capacity of level {number} [B]")
        assert_equal(
            have[1], want[1], what=f"{what}: latency of level {number} [ns]", relative=1e-9
        )


def staircase(
    rng: np.random.Generator, *, lengths: Sequence[int], spread: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """Return sizes, and latencies that treble from plateau to plateau and scatter upwards."""
    count = sum(lengths)
    sizes = np.cumsum(64 * rng.integers(1, 9, count))
    heights = np.repeat(1.2 * 3.0 ** np.arange(len(lengths)), lengths)
    return sizes, heights * (1 + spread * rng.random(count))


@check(
    "8.2",
    sentence="A step to the next size is a climb if it multiplies the latency by more than `rise`.",
)
def three_clear_steps(student: Student, rng: np.random.Generator) -> None:
    """Find three plateaus of four, five and four sizes."""
    sizes, latencies = staircase(rng, lengths=(4, 5, 4))
    got = student.find_levels(sizes, latencies, RISE)
    figure, axes = plots.new_figure()
    axes.loglog(sizes, latencies, marker="o", color=plots.COLORS[0])
    for level in got if isinstance(got, list | tuple) else []:
        if isinstance(level, list | tuple | np.ndarray) and len(level) == 2:
            axes.axvline(float(level[0]), color="black", linestyle=":")
    axes.set(xlabel="working set [B]", ylabel="one load [ns]", title="Dotted: your capacities")
    evidence.picture(figure, alt="A staircase of latencies with a line where each level ends.")
    judge_levels(got, sizes=sizes, latencies=latencies, rise=RISE, what="three steps")


@check(
    "8.2",
    sentence="Noise only ever adds time: replace each latency by the smallest at this "
    "or any larger size.",
)
def one_disturbed_size(student: Student, rng: np.random.Generator) -> None:
    """Disturb the second of six sizes: without cleaning it would climb and fall again."""
    sizes = 1024 * np.arange(1, 7)
    latencies = np.array([1.0, 5.0, 1.1, 4.0, 4.4, 4.2])
    got = student.find_levels(sizes, latencies, RISE)
    judge_levels(got, sizes=sizes, latencies=latencies, rise=RISE, what="a disturbed size")
