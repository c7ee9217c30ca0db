"""A device that works off a queue behind the back of the program, on a clock of its own.

It behaves as a GPU does: `work` hands a job over and comes back at once, the jobs run one after the
other, and `synchronize` returns when the last is done. Its time is counted, not measured, so the
right duration of every call is known to the last digit. Nothing is computed, nobody waits, and what
the queue of a real device does when it is full is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

LAUNCH_MS = 0.5  # the time the program itself needs to hand a job over
START_MS = 1000.0  # what the clock shows at first: a clock's zero means nothing


@dataclass
class SimulatedDevice:
    """A queue, and a clock in milliseconds.

    Parameters
    ----------
    costs_ms
        What each job keeps the device busy, in the order handed over; all further jobs cost as much
        as the last. Multiples of 1/1024 ms are added up without rounding.
    queued_ms
        Work of somebody else's that is in the queue already.
    launch_ms
        Time that handing a job over takes.

    Examples
    --------
    >>> device = SimulatedDevice([4.0])
    >>> device.work(); device.clock()
    1000.5
    >>> device.synchronize(); device.clock()
    1004.5
    """

    costs_ms: Sequence[float]
    queued_ms: float = 0.0
    launch_ms: float = LAUNCH_MS
    now_ms: float = field(default=START_MS, init=False)
    busy: list[tuple[float, float]] = field(default_factory=list, init=False)
    readings_ms: list[float] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        """Refuse a device without jobs, and start what is queued already."""
        if not self.costs_ms:
            raise ValueError("costs_ms is empty; give the cost of at least one job in ms")
        self._free_ms = self.now_ms + self.queued_ms

    def work(self) -> None:
        """Hand one job over; it begins when those before it are done."""
        self.now_ms += self.launch_ms
        start_ms = max(self.now_ms, self._free_ms)
        self._free_ms = start_ms + self.costs_ms[min(self.calls, len(self.costs_ms) - 1)]
        self.busy.append((start_ms, self._free_ms))

    def synchronize(self) -> None:
        """Wait until the queue is empty."""
        self.now_ms = max(self.now_ms, self._free_ms)

    def clock(self) -> float:
        """Return the time of the program in milliseconds; reading it takes none."""
        self.readings_ms.append(self.now_ms)
        return self.now_ms

    @property
    def calls(self) -> int:
        """Jobs handed over so far; ``busy`` holds when each began and ended."""
        return len(self.busy)

    def durations_ms(self, warmup: int, repeats: int) -> list[float]:
        """Return what calls take on the idle device, those of the warm-up left out."""
        costs = [*self.costs_ms, *[self.costs_ms[-1]] * (warmup + repeats)]
        return [self.launch_ms + cost for cost in costs[warmup : warmup + repeats]]
