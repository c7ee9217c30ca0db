"""Pictures of detection: a strip of a stream, and misses against false alarms.

Each draws into an `Axes` and computes nothing but where to draw.
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from course_utils import plots
from course_utils.records import Result
from labs.mcu_compression.detection import Bound, Detection, Outcome
from labs.mcu_compression.streams import STRIDE_S, WINDOW_S, Stream
from labs.shared.features import SAMPLE_RATE_HZ
from labs.shared.keywords import CLASSES

Floats = npt.NDArray[np.floating[Any]]
WAVE_MIDDLE, WAVE_HALF = -0.35, 0.22  # the sound lies below the scores
WIDE, NARROWER = 85, 72  # letters of a title over a wide figure, and beside a legend
COLUMNS = 700  # of the waveform: more cannot be seen


@mpl.rc_context(plots.STYLE)
def strip(
    axes: Axes,
    stream: Stream,
    *,
    scores: Floats,
    outcome: Outcome,
    start_s: float = 0.0,
    length_s: float = 30.0,
) -> list[dict[str, Any]]:
    """Draw a piece of a stream: its sound, what was said, the scores, and what was detected.

    Parameters
    ----------
    axes
        Of a wide figure.
    stream, scores, outcome
        Sound and events; (windows, classes), as `outcome` was made from them.
    start_s, length_s
        The piece [s].

    Returns
    -------
    list
        A row for each word and each detection drawn: ``kind, time_s, word``.
    """
    end_s = start_s + length_s
    _waveform(axes, stream, start_s, end_s)
    rows = []
    for event in stream.events:
        if start_s <= event.start_s < end_s - 0.5:
            wanted = event.label in stream.listened
            color = plots.COLORS[4] if wanted else "0.9"
            axes.axvspan(event.start_s, event.end_s, color=color, alpha=0.45, linewidth=0)
            look: dict[str, Any] = {"weight": "bold"} if wanted else {"color": plots.GREY}
            middle = (event.start_s + event.end_s) / 2
            axes.text(middle, -0.68, event.word, size=5.5, ha="center", rotation=35, **look)
            rows.append({"kind": "said", "time_s": event.start_s, "word": event.word})
    times = WINDOW_S + STRIDE_S * np.arange(len(scores))
    shown = (times >= start_s) & (times <= end_s)
    for label, (color, line) in zip(
        stream.listened, zip(plots.COLORS, plots.LINES, strict=True), strict=False
    ):
        look = {"color": color, "linestyle": line, "label": f"score of {CLASSES[label]!r}"}
        axes.plot(times[shown], scores[shown, label], **look)
    axes.axhline(outcome.threshold, color="black", linestyle=":", linewidth=0.8, label="threshold")
    hits = [found for _, found in outcome.hits]
    rows += _marks(axes, hits, (start_s, end_s), {"marker": "v", "color": "black", "label": "hit"})
    alarm = {"marker": "X", "color": plots.COLORS[1], "label": "false alarm"}
    rows += _marks(axes, outcome.false_alarms, (start_s, end_s), alarm)
    axes.set(xlim=(start_s, end_s), ylim=(-0.72, 1.15), yticks=[0, 0.5, 1])
    axes.set(xlabel="time [s]", ylabel="score [1]")
    axes.grid(visible=False, axis="x")
    axes.legend(**plots.OUTSIDE)
    misses = f"{len(outcome.missed)} of {len(outcome.missed) + len(hits)} keywords missed"
    alarms = len(outcome.false_alarms)
    title = f"Threshold {outcome.threshold:.2f}: {misses}, {alarms} "
    title += f"false alarm{'' if alarms == 1 else 's'} in {60 * outcome.hours:.0f} min"
    _title(axes, title, NARROWER)
    return rows


@mpl.rc_context(plots.STYLE)
def error_trade_off(
    axes: Axes, points: Sequence[tuple[float, Result, Result]], *, title: str
) -> list[dict[str, Any]]:
    """Draw false rejects against false accepts of clips, a point for each threshold.

    Parameters
    ----------
    axes
        Of a wide figure.
    points
        ``(threshold, false rejects, false accepts)``; a label is left out where it would lie on
        the one before.
    title
        The sentence that the figure proves.

    Returns
    -------
    list
        ``threshold, false_rejects, false_accepts`` of each point drawn.
    """
    last = (-1.0, -1.0)
    reach = max([accepts.high for _, _, accepts in points], default=1.0)
    height = max([rejects.high for _, rejects, _ in points], default=1.0)
    for threshold, rejects, accepts in points:
        bars: dict[str, Any] = {"xerr": _arms(accepts), "yerr": _arms(rejects), "elinewidth": 0.6}
        at = (accepts.value, rejects.value)
        axes.errorbar(*at, fmt="o", color=plots.COLORS[0], **bars)
        if abs(at[0] - last[0]) > 0.03 * reach or abs(at[1] - last[1]) > 0.06 * height:
            axes.annotate(f"{threshold:g}", at, (4, 4), textcoords="offset points", size=6.5)
            last = at
    lines = [[result.value for result in column] for column in list(zip(*points, strict=True))[1:]]
    axes.plot(*reversed(lines), color=plots.COLORS[0], linewidth=0.8)
    end = min(reach, height)
    axes.plot([0, end], [0, end], color=plots.GREY, linestyle=":", label="equal errors")
    smallest = min([accepts.value for _, _, accepts in points if accepts.value], default=0.01)
    axes.set_xscale("symlog", linthresh=smallest, linscale=0.3)
    axes.set_xlim(-smallest / 4, None)
    axes.set(xlabel="other clips accepted [1] (log, but for 0)", ylabel="keywords rejected [1]")
    axes.legend(loc="upper right")
    _title(axes, title, WIDE)
    names = ("threshold", "false_rejects", "false_accepts")
    return [dict(zip(names, point, strict=True)) for point in points]


@mpl.rc_context(plots.STYLE)
def trade_off(
    axes: Axes,
    series: Mapping[str, Sequence[Outcome]],
    *,
    chosen: Mapping[str, float],
    bound: Bound,
    title: str,
    most_per_hour: float = 40.0,
) -> list[dict[str, Any]]:
    """Draw misses against false alarms per hour, a line for each series as its threshold falls.

    Parameters
    ----------
    axes
        Of a wide figure.
    series
        Name to outcomes at several thresholds; at most seven.
    chosen
        Name to the threshold whose point gets its intervals.
    bound
        As for `detection.poisson_rate`.
    title
        The sentence that the figure proves.
    most_per_hour
        Where the axis ends [1/h].

    Returns
    -------
    list
        ``name, threshold, misses, false_alarms`` of each point drawn.
    """
    rows = []
    for (name, outcomes), look in zip(series.items(), plots.LOOKS, strict=False):
        points = [
            (o.threshold, o.miss_rate(), o.false_alarms_per_hour(bound))
            for o in sorted(outcomes, key=lambda o: o.threshold)
        ]
        points = [point for point in points if point[2].value <= most_per_hour]
        x, y = [alarms.value for *_, alarms in points], [misses.value for _, misses, _ in points]
        axes.plot(x, y, color=look["color"], linestyle=look["linestyle"], linewidth=1, label=name)
        for threshold, misses, alarms in points:
            if threshold == chosen.get(name):
                bars: dict[str, Any] = {
                    "xerr": _arms(alarms),
                    "yerr": _arms(misses),
                    "elinewidth": 0.8,
                }
                axes.errorbar(alarms.value, misses.value, **look, **bars)
            row = {"threshold": threshold, "misses": misses, "false_alarms": alarms}
            rows.append({"name": name, **row})
    axes.set(xlim=(-1, most_per_hour), ylim=(0, 1))
    axes.set(xlabel="false alarms per hour [1/h]", ylabel="share of keywords missed [1]")
    axes.legend(**plots.OUTSIDE)
    _title(axes, title, NARROWER)
    return rows


def strip_alt(stream: Stream, outcome: Outcome, *, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the strip in words: what was said, and what was detected when.

    Parameters
    ----------
    stream, outcome
        What was listened to, and with what outcome.
    rows
        What `strip` returned.
    """
    said = [f"{row['word']} at {row['time_s']:.1f} s" for row in rows if row["kind"] == "said"]
    found = [
        f"{row['kind']} {row['word']} at {row['time_s']:.1f} s"
        for row in rows
        if row["kind"] != "said"
    ]
    return (
        f"A piece of the stream {stream.name} {stream.split} with the scores of "
        f"{' and '.join(stream.words)} and the threshold {outcome.threshold:.2f}. "
        f"Said: {', '.join(said) or 'nothing'}. Detected: {', '.join(found) or 'nothing'}."
    )


def _waveform(axes: Axes, stream: Stream, start_s: float, end_s: float) -> None:
    first, last = (round(t * SAMPLE_RATE_HZ) for t in (start_s, end_s))
    sound = stream.samples[first:last].numpy()
    per_column = max(1, len(sound) // COLUMNS)
    columns = sound[: len(sound) // per_column * per_column].reshape(-1, per_column)
    times = start_s + (np.arange(len(columns)) + 0.5) * per_column / SAMPLE_RATE_HZ
    low, high = (WAVE_MIDDLE + WAVE_HALF * edge for edge in (columns.min(1), columns.max(1)))
    axes.fill_between(times, low, high, color=plots.GREY, linewidth=0)


def _marks(
    axes: Axes, found: Sequence[Detection], span_s: tuple[float, float], look: dict[str, Any]
) -> list[dict[str, Any]]:
    """Draw detections above the scores, and return their rows."""
    inside = [each for each in found if span_s[0] <= each.time_s <= span_s[1]]
    axes.plot([each.time_s for each in inside], [1.07] * len(inside), linestyle="", **look)
    kind = look["label"]
    return [{"kind": kind, "time_s": each.time_s, "word": CLASSES[each.label]} for each in inside]


def _title(axes: Axes, text: str, letters: int) -> None:
    axes.set_title(textwrap.fill(text, letters), loc="left", weight="bold")


def _arms(result: Result) -> list[list[float]]:
    return [[result.value - result.low], [result.high - result.value]]
