"""From scores to detections in a stream, and how often they are right, wrong or missing.

`detect` decides with a threshold and a pause after each detection, `match` compares with what was
said, `sweep` does so for many thresholds. Smoothing is yours or the given one; nothing is drawn.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from course_utils import stats
from course_utils.records import Result
from course_utils.units import S_PER_H
from labs.mcu_compression.streams import STRIDE_S, WINDOW_S, Event, Stream

Floats = npt.NDArray[np.floating[Any]]
Bound = Callable[[int, float, float], float]  # (count, hours, level) -> rate per hour
CHUNK = 50  # windows at a time: what a processor's cache holds
REFRACTORY_S = 1.0  # after a detection the device is deaf for as long as a word lasts
THRESHOLDS = (*(i / 20 for i in range(2, 17)), *(i / 50 for i in range(41, 50)))
TOLERANCE_S = 0.5  # how long after its clip a word may still be detected


@dataclass(frozen=True)
class Detection:
    """What a device decided: at `time_s` it took the class `label` as said, with this score."""

    time_s: float
    label: int
    score: float


@dataclass(frozen=True, repr=False)
class Outcome:
    """What came of a stream.

    Every detection is a hit or a false alarm, every keyword was heard or missed.

    Parameters
    ----------
    threshold
        That the detections were made with.
    hits
        The keywords that were heard, each with its detection.
    missed
        Those that were not.
    false_alarms
        Detections of a word that was not said then, or was detected already.
    hours
        Length of the stream [h].
    """

    threshold: float
    hits: tuple[tuple[Event, Detection], ...]
    missed: tuple[Event, ...]
    false_alarms: tuple[Detection, ...]
    hours: float

    def miss_rate(self) -> Result:
        """Return the share of keywords missed, with Wilson's interval over keywords."""
        keywords = len(self.hits) + len(self.missed)
        return stats.proportion_interval(len(self.missed), keywords).result()

    def false_alarms_per_hour(self, bound: Bound) -> Result:
        """Return the rate of false alarms [1/h] as `poisson_rate` does; n counts seconds."""
        return poisson_rate(len(self.false_alarms), hours=self.hours, bound=bound)

    def delay_s(self) -> float:
        """Return the median time from the end of a keyword's clip to its detection [s]."""
        return float(np.median([found.time_s - said.end_s for said, found in self.hits] or [0.0]))

    def __repr__(self) -> str:
        alarms = len(self.false_alarms)
        return (
            f"threshold {self.threshold:.2f}: {len(self.hits)} heard, {len(self.missed)} missed, "
            f"{alarms} false alarm{'' if alarms == 1 else 's'} in {60 * self.hours:.1f} min"
        )


@torch.no_grad()
def posteriors(network: nn.Module, features: Tensor) -> npt.NDArray[np.float32]:
    """Return the probability of each class that a network gives, (n, classes).

    Parameters
    ----------
    network
        Left as it was; a copy of it computes, in evaluation mode.
    features
        (n, 1, 49, 10), n >= 1, of clips or of the windows of a stream.
    """
    fast = copy.deepcopy(network).eval()
    fast.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # its stub lacks it
    device = next((p.device for p in network.parameters()), features.device)
    parts = [fast(chunk.to(device)) for chunk in torch.split(features, CHUNK)]
    return np.asarray(torch.softmax(torch.cat(parts), 1).cpu().numpy(), dtype=np.float32)


def detect(
    scores: Floats,
    *,
    listened: Sequence[int],
    threshold: float,
    refractory_s: float = REFRACTORY_S,
) -> list[Detection]:
    """Return the detections in the scores of a stream, in the order of time.

    A word is detected at the end of a window whose score reaches the threshold, if the last
    detection is at least `refractory_s` ago: otherwise one word, which is in view for several
    windows, would be detected several times.

    Parameters
    ----------
    scores
        (windows, classes), smoothed or not; a window every 100 ms.
    listened
        Classes that count; of these the highest is taken.
    threshold
        Least score that is detected.
    refractory_s
        Pause after a detection [s].

    Examples
    --------
    >>> scores = np.array([[0.1], [0.8], [0.9], [0.2]])
    >>> detect(scores, listened=[0], threshold=0.7)
    [Detection(time_s=1.1, label=0, score=0.8)]
    """
    best = scores[:, list(listened)]
    peaks, ready, pause = best.max(1), 0, round(refractory_s / STRIDE_S)
    found = []
    for i in np.flatnonzero(peaks >= threshold).tolist():
        if i >= ready:
            label = int(listened[int(best[i].argmax())])
            time_s = round(WINDOW_S + i * STRIDE_S, 3)
            found.append(Detection(time_s, label, float(peaks[i])))
            ready = i + pause
    return found


def match(detections: Sequence[Detection], stream: Stream, *, threshold: float = 0.0) -> Outcome:
    """Return which detections are hits, which are false alarms, and which keywords were missed.

    A detection is a hit if its word was being said: after the start of the word's clip and at most
    half a second after its end. Each keyword is heard once; to detect it again is a false alarm,
    for a lamp would switch twice.

    Parameters
    ----------
    detections
        In the order of time.
    stream
        With what was said when.
    threshold
        For the record only.
    """
    waiting, hits, alarms = list(stream.keywords), [], []
    for found in detections:
        said = next((event for event in waiting if _is_hit(found, event)), None)
        if said is None:
            alarms.append(found)
        else:
            waiting.remove(said)
            hits.append((said, found))
    return Outcome(threshold, tuple(hits), tuple(waiting), tuple(alarms), stream.seconds / S_PER_H)


def sweep(
    scores: Floats, stream: Stream, *, thresholds: Sequence[float] | None = None
) -> list[Outcome]:
    """Return what comes of a stream at each of several thresholds.

    Parameters
    ----------
    scores
        (windows, classes) of the stream.
    stream
        What was said.
    thresholds
        By default 0.1 to 0.98, closer together near the end.
    """
    return [
        match(detect(scores, listened=stream.listened, threshold=t), stream, threshold=t)
        for t in (THRESHOLDS if thresholds is None else thresholds)
    ]


def choose(outcomes: Sequence[Outcome], *, most_false_alarms: int) -> Outcome:
    """Return the outcome with the fewest misses among those with few enough false alarms.

    Of equal ones the one with the highest threshold is taken. If none has few enough, those with
    the fewest are left.

    Parameters
    ----------
    outcomes
        Of a stream for choosing, never the one for reporting; at least one.
    most_false_alarms
        Allowed in that stream, >= 0.
    """
    fewest = min(len(o.false_alarms) for o in outcomes)
    allowed = [o for o in outcomes if len(o.false_alarms) <= max(fewest, most_false_alarms)]
    return min(allowed, key=lambda o: (len(o.missed), -o.threshold))


def poisson_rate(count: int, *, hours: float, bound: Bound, level: float = 0.95) -> Result:
    """Return a rate per hour with its exact two-sided interval (Garwood, Biometrika 28, 1936).

    At its upper end `count` or fewer have the probability (1 - level) / 2, at its lower end `count`
    or more have it, that is, `count - 1` or fewer have the rest. So one function gives both ends.

    Parameters
    ----------
    count
        Events seen, >= 0.
    hours
        Time watched [h], > 0.
    bound
        ``bound(count, hours, level)``: the rate at which so few have the probability 1 - level.
    level
        Probability that such an interval holds the rate.

    Raises
    ------
    ValueError
        If there is no time or the count is negative.

    Examples
    --------
    >>> from labs.mcu_compression.given import false_alarm_bound
    >>> rate = poisson_rate(2, hours=0.5, bound=false_alarm_bound)
    >>> rate.value, round(rate.low, 2), round(rate.high, 2)
    (4.0, 0.48, 14.45)
    """
    if count < 0 or not hours > 0:
        raise ValueError(f"count is {count}, hours {hours}; give a count >= 0 in more than 0 hours")
    tail = (1 - level) / 2
    low = float(bound(count - 1, hours, tail)) if count else 0.0
    high = float(bound(count, hours, 1 - tail))
    return Result(count / hours, low, high, n=max(1, round(hours * S_PER_H)), kind="measured")


def _is_hit(found: Detection, said: Event) -> bool:
    is_in_time = said.start_s < found.time_s <= said.end_s + TOLERANCE_S
    return is_in_time and found.label == said.label
