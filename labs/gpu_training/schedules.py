"""What a pipeline's schedule costs: who waits for whom, for how long, and what must be kept.

A schedule says for each stage in which order it works, as ``("F", m)`` and ``("B", m)``, forward
and backward of micro-batch m. `simulate` runs one on a clock of its own; `observed` makes the same
timeline of what ranks really did. How to write a good schedule is exercise 2.10, not here.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

Operation = tuple[str, int]
Schedule = Sequence[Sequence[Operation]]
Events = Sequence[tuple[str, int, float, float]]  # kind, micro-batch, start, end
FORWARD, BACKWARD = "F", "B"


class ScheduleError(ValueError):
    """A schedule that leaves work out, does it twice, or never ends; says which and where."""


@dataclass(frozen=True)
class Span:
    """One forward or backward of one stage.

    Parameters
    ----------
    stage, kind, micro_batch
        Whose work; ``F`` or ``B``; of which part of the batch.
    start, end
        In the unit of the timeline.
    """

    stage: int
    kind: str
    micro_batch: int
    start: float
    end: float


@dataclass(frozen=True)
class Timeline:
    """When each stage worked.

    Parameters
    ----------
    spans
        Those of each stage in the order of its work.
    stages
        How many there are.
    """

    spans: tuple[Span, ...]
    stages: int

    @property
    def makespan(self) -> float:
        """From the first start to the last end."""
        return max(span.end for span in self.spans) - min(span.start for span in self.spans)

    @property
    def efficiency(self) -> float:
        """Share of all stages' time that is work, 0 to 1."""
        return sum(span.end - span.start for span in self.spans) / (self.stages * self.makespan)

    @property
    def bubble_share(self) -> float:
        """Share of all stages' time that is waiting, 0 to 1."""
        return 1 - self.efficiency

    @property
    def held(self) -> tuple[int, ...]:
        """For each stage the most micro-batches whose activations it keeps at one time."""
        return tuple(most_held([s.kind for s in self.of(stage)]) for stage in range(self.stages))

    def of(self, stage: int) -> list[Span]:
        """Return the spans of one stage."""
        return [span for span in self.spans if span.stage == stage]


def most_held(kinds: Sequence[str]) -> int:
    """Return how many forwards are at most without their backward, when work is done so.

    Examples
    --------
    >>> most_held("FFFBBB"), most_held("FFBFBB")
    (3, 2)
    """
    return max(accumulate(1 if kind == FORWARD else -1 for kind in kinds), default=0)


def check_work(schedule: Schedule, *, stages: int, micro_batches: int) -> None:
    """Refuse a schedule in which a stage leaves work out, does it twice or does something else.

    Parameters
    ----------
    schedule
        To look at.
    stages, micro_batches
        That it should be for.

    Raises
    ------
    ScheduleError
        Naming the first stage and operation that are wrong.

    Examples
    --------
    >>> check_work([[("F", 0), ("B", 0)]], stages=1, micro_batches=2)
    Traceback (most recent call last):
    ...
    labs.gpu_training.schedules.ScheduleError: stage 0 never does F of micro-batch 1
    """
    if len(schedule) != stages:
        raise ScheduleError(f"there are {stages} stages; the schedule is for {len(schedule)}")
    wanted = dict.fromkeys((kind, m) for kind in (FORWARD, BACKWARD) for m in range(micro_batches))
    for stage, work in enumerate(schedule):
        counts = Counter((kind, m) for kind, m in work)
        if others := [each for each in counts if each not in wanted]:
            kind, m = others[0]
            raise ScheduleError(
                f"stage {stage} does {kind} of micro-batch {m}; there are F and B of "
                f"0 to {micro_batches - 1}"
            )
        for kind, m in wanted:
            if (times := counts[kind, m]) != 1:
                said = f"does {times} times" if times else "never does"
                raise ScheduleError(f"stage {stage} {said} {kind} of micro-batch {m}")


def simulate(
    schedule: Schedule,
    *,
    forward: float | Sequence[float] = 1.0,
    backward: float | Sequence[float] = 2.0,
    send: float = 0.0,
) -> Timeline:
    """Run a schedule: each stage works in its order, as soon as what it needs has come.

    Parameters
    ----------
    schedule
        One list for each stage.
    forward, backward
        Time that one takes, the same for all stages or one for each.
    send
        Time from the end of one stage's work until its neighbour has the result; no stage is held
        up by sending.

    Raises
    ------
    ScheduleError
        If the stages wait for each other for ever; says where each stands.

    Examples
    --------
    >>> both = [("F", 0), ("F", 1), ("B", 0), ("B", 1)]
    >>> timeline = simulate([both, both])
    >>> timeline.makespan, round(timeline.bubble_share, 3)
    (9.0, 0.333)
    """
    stages = len(schedule)
    lasts = {
        FORWARD: np.broadcast_to(forward, stages).tolist(),
        BACKWARD: np.broadcast_to(backward, stages).tolist(),
    }
    done: dict[tuple[int, str, int], Span] = {}
    at, free = [0] * stages, [0.0] * stages
    is_moving = True
    while is_moving:
        is_moving = False
        for stage, work in enumerate(schedule):
            while at[stage] < len(work):
                kind, m = work[at[stage]]
                ready = _ready(done, stage, (kind, m), last=stages - 1, send=send)
                if ready is None:
                    break
                start = max(free[stage], ready)
                free[stage] = start + lasts[kind][stage]
                done[stage, kind, m] = Span(stage, kind, m, start, free[stage])
                at[stage] += 1
                is_moving = True
    stand = [(s, work[at[s]]) for s, work in enumerate(schedule) if at[s] < len(work)]
    if stand:
        said = ", ".join(f"stage {s} at {kind} of micro-batch {m}" for s, (kind, m) in stand)
        raise ScheduleError(f"the stages wait for ever: {said}")
    return Timeline(tuple(done.values()), stages)


def _ready(
    done: dict[tuple[int, str, int], Span],
    stage: int,
    work: Operation,
    *,
    last: int,
    send: float,
) -> float | None:
    """Return when what an operation needs is there, or None while that is not known."""
    kind, m = work
    needs: list[tuple[tuple[int, str, int], float]] = []
    if kind == FORWARD and stage > 0:
        needs = [((stage - 1, FORWARD, m), send)]
    elif kind == BACKWARD:
        needs = [((stage, FORWARD, m), 0.0)]
        needs += [((stage + 1, BACKWARD, m), send)] if stage < last else []
    if any(key not in done for key, _ in needs):
        return None
    return max((done[key].end + after for key, after in needs), default=0.0)


def observed(events: Sequence[Events]) -> Timeline:
    """Return what ranks really did in one step as a timeline from 0.

    Parameters
    ----------
    events
        For each rank kind, micro-batch, start and end of its work, by one clock.
    """
    first = min(start for each in events for _, _, start, _ in each)
    spans = [
        Span(stage, kind, m, start - first, end - first)
        for stage, each in enumerate(events)
        for kind, m, start, end in each
    ]
    return Timeline(tuple(spans), len(events))


def typical_times(timelines: Sequence[Timeline], kind: str) -> list[float]:
    """Return for each stage the median time of its forwards or backwards, over all timelines.

    Parameters
    ----------
    timelines
        Of the same pipeline, at least one.
    kind
        ``F`` or ``B``.
    """
    times: list[list[float]] = [[] for _ in range(timelines[0].stages)]
    for span in (span for timeline in timelines for span in timeline.spans if span.kind == kind):
        times[span.stage].append(span.end - span.start)
    return [float(np.median(each)) for each in times]
