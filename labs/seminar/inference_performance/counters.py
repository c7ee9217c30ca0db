"""Events that the processor counts itself: instructions, cycles, misses, of this thread's own code.

Linux offers such counters through ``perf_event_open``; it is called here without any further
package, on x86-64 and 64-bit Arm, for user code alone. Many machines do not let one: virtual ones
have no counters, containers forbid the call. Then nothing is raised and nothing estimated: the
answer is `NotCountable`, with the reason in words. Each event is counted in calls of its own, so
that no two share a counter; where other programs share it, those calls are thrown away rather than
scaled up. Threads that a call starts are not counted.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from course_utils import stats
from course_utils.records import Result

# Cache misses are those of the last level, as far as the processor's maker sees it so.
HARDWARE = ("instructions", "cycles", "branch_misses", "cache_misses", "l1d_load_misses")
# Name to type and number of the event in <linux/perf_event.h>: 0 hardware, 1 software, 3 cache.
EVENTS = {
    "cycles": (0, 0),
    "instructions": (0, 1),
    "cache_misses": (0, 3),
    "branch_misses": (0, 5),
    "l1d_load_misses": (3, 0 | 0 << 8 | 1 << 16),  # first-level data, load, miss
    "task_clock_ns": (1, 1),
    "page_faults": (1, 2),
}
SYSCALLS = {"x86_64": 298, "aarch64": 241}
PARANOID = Path("/proc/sys/kernel/perf_event_paranoid")
MOST_PARANOID = 2  # from 3 on, a setting of some distributions, user code cannot be counted either
ATTRIBUTES = struct.Struct("=IIQQQQQIIQ")  # perf_event_attr, first published version: 64 bytes
TIMES_READ = 1 | 2  # time enabled and time running come with each value
DISABLED, NO_KERNEL, NO_HYPERVISOR = 1, 1 << 5, 1 << 6
CLOSE_ON_EXEC = 8
ENABLE, DISABLE = 0x2400, 0x2401
READ = struct.Struct("=QQQ")
REPEATS = 15


@dataclass(frozen=True)
class NotCountable:
    """Why something cannot be counted here, as a sentence without its full stop."""

    reason: str


@dataclass(frozen=True)
class Counts:
    """What was counted around a call.

    Parameters
    ----------
    results
        Event to its count in one call: the median over the repeats with its interval.
    empty
        The same for a call that does nothing: what calling and counting cost themselves.
    missing
        Events that could not be counted, and why.
    """

    results: dict[str, Result]
    empty: dict[str, Result]
    missing: dict[str, NotCountable] = field(default_factory=dict)


class Counter(Protocol):
    """One event of this thread that the kernel counts."""

    def start(self) -> None:
        """Go on counting."""

    def stop(self) -> None:
        """Count no further."""

    def read(self) -> tuple[int, int, int]:
        """Return, from its opening on, the count and how long it was wanted and did run [ns]."""

    def close(self) -> None:
        """Give the counter back."""


Open = Callable[[int, int], Counter]


class KernelCounter:
    """A counter of Linux: a file descriptor.

    Parameters
    ----------
    kind, config
        Type and number of the event, as in `EVENTS`.
    libc
        The C library; another one for tests.

    Raises
    ------
    OSError
        If the kernel refuses it.
    """

    def __init__(self, kind: int, config: int, *, libc: Any = None) -> None:
        self._libc = libc or ctypes.CDLL(None, use_errno=True)
        flags = DISABLED | NO_KERNEL | NO_HYPERVISOR
        fields = (kind, ATTRIBUTES.size, config, 0, 0, TIMES_READ, flags, 0, 0, 0)
        attributes = ctypes.create_string_buffer(ATTRIBUTES.pack(*fields), ATTRIBUTES.size)
        this_thread, any_cpu, no_group = 0, -1, -1
        self._file = self._checked(
            self._libc.syscall(
                ctypes.c_long(SYSCALLS[platform.machine()]),
                attributes,
                ctypes.c_int(this_thread),
                ctypes.c_int(any_cpu),
                ctypes.c_int(no_group),
                ctypes.c_ulong(CLOSE_ON_EXEC),
            )
        )

    def start(self) -> None:
        """Go on counting."""
        self._control(ENABLE)

    def stop(self) -> None:
        """Count no further."""
        self._control(DISABLE)

    def read(self) -> tuple[int, int, int]:
        """Return, from its opening on, the count and how long it was wanted and did run [ns]."""
        value, enabled_ns, running_ns = READ.unpack(os.read(self._file, READ.size))
        return value, enabled_ns, running_ns

    def close(self) -> None:
        """Give the counter back."""
        os.close(self._file)

    def _control(self, request: int) -> None:
        file, number = ctypes.c_int(self._file), ctypes.c_ulong(request)
        self._checked(self._libc.ioctl(file, number, ctypes.c_ulong(0)))

    @staticmethod
    def _checked(returned: int) -> int:
        if returned < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return returned


def available(events: Sequence[str] = HARDWARE, *, open_counter: Open = KernelCounter) -> list[str]:
    """Return those of some events that can be counted here.

    Parameters
    ----------
    events
        Names from `EVENTS`.
    open_counter
        Opens a counter; another one for tests.
    """
    missing = why_not(events, open_counter=open_counter)
    return [event for event in events if event not in missing]


def why_not(
    events: Sequence[str] = HARDWARE, *, open_counter: Open = KernelCounter
) -> dict[str, NotCountable]:
    """Return the reason for each event that cannot be counted here.

    Parameters
    ----------
    events, open_counter
        As for `available`.
    """
    tried = {event: _opened(event, open_counter) for event in events}
    missing = {}
    for event, counter in tried.items():
        if isinstance(counter, NotCountable):
            missing[event] = counter
        else:
            counter.close()
    return missing


def count(
    function: Callable[[], object],
    *,
    repeats: int = REPEATS,
    events: Sequence[str] = HARDWARE,
    open_counter: Open = KernelCounter,
) -> Counts | NotCountable:
    """Return what the processor counts while a function runs, or why it cannot.

    Parameters
    ----------
    function
        Called once before, then ``repeats`` times for each event.
    repeats
        Calls that are counted for each event, >= 5.
    events, open_counter
        As for `available`.

    Raises
    ------
    ValueError
        If there are too few repeats for an interval.
    """
    if repeats < stats.FEWEST_UNITS:
        raise ValueError(f"{repeats} repeats give no interval; take {stats.FEWEST_UNITS} or more")
    found = Counts({}, {})
    function()
    for event in events:
        counter = _opened(event, open_counter)
        if isinstance(counter, NotCountable):
            found.missing[event] = counter
            continue
        with closing(counter):
            empty = _repeat(counter, _do_nothing, repeats=repeats)
            result = _repeat(counter, function, repeats=repeats)
        if isinstance(empty, NotCountable) or isinstance(result, NotCountable):
            found.missing[event] = next(x for x in (result, empty) if isinstance(x, NotCountable))
        else:
            found.empty[event], found.results[event] = empty, result
    if found.results:
        return found
    reasons = dict.fromkeys(one.reason for one in found.missing.values())
    return NotCountable("; ".join(reasons) or "no event was asked for")


def _repeat(
    counter: Counter, function: Callable[[], object], *, repeats: int
) -> Result | NotCountable:
    samples, ran_ns, wanted_ns = [], 0, 0
    for _ in range(repeats):
        before = counter.read()
        counter.start()
        try:
            function()
        finally:
            counter.stop()
        after = counter.read()
        value, enabled_ns, running_ns = (b - a for a, b in zip(before, after, strict=True))
        ran_ns, wanted_ns = ran_ns + running_ns, wanted_ns + enabled_ns
        if 0 < enabled_ns == running_ns:
            samples.append(value)
    if len(samples) < stats.FEWEST_UNITS:
        return NotCountable(
            "the counter was shared with other programs: it ran "
            f"{100 * ran_ns / max(1, wanted_ns):.0f} % of the time, and "
            f"{len(samples)} of {repeats} calls were counted whole"
        )
    return stats.median_interval(samples).result("counted")


def _do_nothing() -> None:
    pass


def _opened(event: str, open_counter: Open) -> Counter | NotCountable:
    if event not in EVENTS:
        return NotCountable(f"no event {event!r}; those known are {', '.join(EVENTS)}")
    system, machine = platform.system(), platform.machine()
    if system != "Linux":
        return NotCountable(f"counters are read the way of Linux, and this is {system}")
    if machine not in SYSCALLS or struct.calcsize("P") != 8:
        return NotCountable(
            f"the call is known for {' and '.join(SYSCALLS)} in 64 bits, not for this {machine}"
        )
    try:
        return open_counter(*EVENTS[event])
    except OSError as err:
        return NotCountable(_words(err.errno or 0))


def _words(code: int) -> str:
    """Return why the kernel refused a counter."""
    if code in (errno.EACCES, errno.EPERM):
        level = _paranoid()
        if level is not None and level > MOST_PARANOID:
            return f"perf_event_paranoid is {level}; counting needs {MOST_PARANOID} or less"
        return "the call is forbidden, as the filter of a container or sandbox does"
    if code == errno.ENOSYS:
        return "the call is not there: left out of this kernel, or hidden by a sandbox"
    if code in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP, errno.EINVAL):
        return "this machine has no such counter, as most virtual machines"
    return f"the kernel refuses the counter: {os.strerror(code)}"


def _paranoid(path: Path = PARANOID) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
