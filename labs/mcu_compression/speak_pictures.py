"""Pictures of a chip that listens: the second, its answers over time, and where two networks part.

Each draws what it is given; nothing is recorded, emulated or computed here but the place of marks.
"""

import textwrap
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from course_utils import plots, units
from labs.mcu_compression import speech_pictures
from labs.mcu_compression.disagreement import Curve
from labs.mcu_compression.hearing import Hearing
from labs.mcu_compression.sounds import Sound
from labs.mcu_compression.streams import STRIDE_S, WINDOW_S
from labs.shared.features import SAMPLE_RATE_HZ, Mfcc, peak_normalized
from labs.shared.keywords import CLASSES, WORDS, features_of

DRAWN = 3  # words with a line and a name: those with the highest scores
WAVE_MIDDLE, WAVE_HALF, BUSY_MIDDLE, BUSY_HALF = -0.32, 0.2, -0.68, 0.07
COLUMNS = 600  # of the waveform: more cannot be seen
LETTERS = 72  # of a title beside a legend


@mpl.rc_context(plots.STYLE)
def second(sound: Sound, *, title: str) -> plots.Picture:
    """Return a second as its samples, its mel bands, and the numbers that the network reads.

    Parameters
    ----------
    sound
        What was recorded.
    title
        The sentence that the figure proves.
    """
    loud = peak_normalized(sound.samples[None])
    bands = Mfcc().log_mel(loud)[0].numpy()
    numbers = features_of(sound.samples[None])[0, 0].numpy()
    panels = [
        ("samples", "amplitude [1]", loud[0].numpy()),
        ("mel bands", "band [1]", bands),
        ("standardised MFCCs", "coefficient [1]", numbers),
    ]
    figure = speech_pictures.stages(panels, title=title, data=sound.name)
    alt = f"{title}. {sound.name}: samples, log-mel bands and MFCCs against time."
    return plots.show(figure, alt=alt)


@mpl.rc_context(plots.STYLE)
def answers(hearing: Hearing) -> plots.Picture:
    """Return scores over time, the sound, the detections, and when the chip is busy."""
    board = hearing.board
    figure, axes = plots.new_figure(
        data=f"{hearing.sound.name}; emulated at the {board.clock_hz / 1e6:.0f} MHz of "
        f"{board.name}, no wait states",
        wide=True,
    )
    rows = draw_answers(axes, hearing)
    told = "; ".join(f"{row['word']} at most {row['highest']:.2f}" for row in rows)
    return plots.show(figure, alt=f"{hearing.said}; {hearing.load}. Highest scores: {told}.")


@mpl.rc_context(plots.STYLE)
def draw_answers(axes: Axes, hearing: Hearing) -> plots.Rows:
    """Draw a hearing: the words with the highest scores have lines, the other words are grey.

    Parameters
    ----------
    axes
        Of a wide figure.
    hearing
        From `speak.listen`.

    Returns
    -------
    list
        ``word, highest`` of the words with a line, the highest first.
    """
    scores = hearing.scores[:, : len(WORDS)]
    times = WINDOW_S + STRIDE_S * np.arange(len(scores))
    order = np.argsort(-scores.max(axis=0), kind="stable")
    axes.plot(times, scores[:, order[DRAWN:]], color="0.8", linewidth=0.7)
    rows: plots.Rows = []
    for label, look in zip(order[:DRAWN], plots.LOOKS, strict=False):
        style = {"color": look["color"], "linestyle": look["linestyle"]}
        axes.plot(times, scores[:, label], label=f"score of {CLASSES[label]!r}", **style)
        rows.append({"word": CLASSES[label], "highest": float(scores[:, label].max())})
    axes.axhline(hearing.threshold, color="black", linestyle=":", linewidth=0.8, label="threshold")
    marks = [each.time_s for each in hearing.detections]
    axes.plot(marks, [1.07] * len(marks), marker="v", color="black", linestyle="", label="detected")
    _draw_wave(axes, hearing)
    _draw_busy(axes, hearing, times)
    axes.set(xlim=(0, times[-1] + STRIDE_S), ylim=(-0.8, 1.15), xlabel="time [s]")
    ticks = {BUSY_MIDDLE: "chip busy", WAVE_MIDDLE: "sound", 0: "0", 0.5: "0.5", 1: "1"}
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.set_ylabel("score [1]")
    axes.grid(visible=False)
    axes.legend(**plots.OUTSIDE)
    title = textwrap.fill(f"{hearing.said}; {hearing.load}", LETTERS)
    axes.set_title(title, loc="left", weight="bold")
    return rows


def _draw_wave(axes: Axes, hearing: Hearing) -> None:
    samples = hearing.stream.samples.numpy()
    per_column = max(1, len(samples) // COLUMNS)
    columns = samples[: len(samples) // per_column * per_column].reshape(-1, per_column)
    times = (np.arange(len(columns)) + 0.5) * per_column / SAMPLE_RATE_HZ
    low, high = (WAVE_MIDDLE + WAVE_HALF * edge for edge in (columns.min(1), columns.max(1)))
    axes.fill_between(times, low, high, color=plots.GREY, linewidth=0)


def _draw_busy(axes: Axes, hearing: Hearing, times: Any) -> None:
    """Draw after each window how long the chip computes: dark for sure, light perhaps."""
    if hearing.busy is None:
        return
    place = (BUSY_MIDDLE - BUSY_HALF, 2 * BUSY_HALF)
    for end_ms, alpha in ((hearing.busy.high, 0.4), (hearing.busy.low, 1.0)):
        spans = [(time, end_ms / units.MS_PER_S) for time in times]
        axes.broken_barh(spans, place, color=plots.COLORS[0], linewidth=0, alpha=alpha)


@mpl.rc_context(plots.STYLE)
def parting(axes: Axes, curve: Curve, *, title: str) -> plots.Rows:
    """Draw how two networks change their minds about one clip as noise grows.

    Parameters
    ----------
    axes
        Of a wide figure.
    curve
        From `disagreement.curve_of`.
    title
        The sentence that the figure proves.

    Returns
    -------
    list
        ``network, word, shares, scores`` of each line.
    """
    rows: plots.Rows = []
    for label, color in zip(curve.labels, plots.COLORS, strict=False):
        for name, scores, line in (("int8", curve.int8, "-"), ("float32", curve.float32, "--")):
            word = CLASSES[label].strip("_")
            axes.plot(
                curve.shares, scores[:, label], color=color, linestyle=line, label=f"{word}, {name}"
            )
            rows.append(
                {
                    "network": name,
                    "word": word,
                    "shares": curve.shares.tolist(),
                    "scores": scores[:, label].tolist(),
                }
            )
    axes.axvspan(curve.agreed, curve.differed, color="0.6", alpha=0.5)
    axes.axvline(curve.differed, color="black", linestyle=":", linewidth=0.8, label="they part")
    axes.set(xlim=(0, curve.shares[-1]), ylim=(0, None))
    axes.set(xlabel="peak of the noise, as a share of the clip's peak [1]", ylabel="score [1]")
    axes.legend(**plots.OUTSIDE)
    axes.set_title(textwrap.fill(title, LETTERS), loc="left", weight="bold")
    return rows
