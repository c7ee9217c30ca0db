"""The open checks of exercise 2.1: a simulated device with few calls, and six or nine times."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import assert_equal, check, raises
from labs.engine.student import Student, callback
from labs.gpu_training import timing_pictures
from labs.gpu_training.simulated_device import SimulatedDevice

# Readings are multiples of 1/1024 ms below 2**20 ms, so their differences are exact. What is left
# is the rounding of a student who divides by 1,000 and multiplies again.
RELATIVE = 1e-9


def timed(student: Student, device: SimulatedDevice, *, warmup: int, repeats: int) -> Any:
    """Return what the student measures on a simulated device."""
    parts = (callback(device.work), callback(device.synchronize), callback(device.clock))
    return student.time_calls(*parts, warmup, repeats)


def judge_durations(got: object, device: SimulatedDevice, *, warmup: int, repeats: int) -> None:
    """Assert calls and durations, the likeliest mistake first."""
    assert isinstance(got, list | tuple | np.ndarray), (
        f"a list of {repeats} durations is asked for; you have {evidence.brief(got)}"
    )
    have = np.asarray(got, dtype=np.float64)
    assert have.shape == (repeats,), (
        f"warmup={warmup}, repeats={repeats}: a list of {repeats} durations is asked for; "
        f"yours has the shape {have.shape}"
    )
    assert device.calls == warmup + repeats, (
        f"warmup={warmup}, repeats={repeats}: work is called {warmup + repeats} times; "
        f"you called it {device.calls} times"
    )
    assert len(device.readings_ms) > repeats, (
        f"{repeats} durations of single calls need {repeats + 1} readings of clock at least; you "
        f"read it {len(device.readings_ms)} times"
    )
    want = np.array(device.durations_ms(warmup, repeats))
    assert not is_close(have, device.launch_ms), (
        f"every duration is {device.launch_ms:g} ms, the time to hand the work over; the device is "
        "still busy when you stop the clock"
    )
    assert not (have[0] > want[0] and is_close(have[1:], want[1:])), (
        f"the first duration should be {want[0]:g} ms, you have {have[0]:g}: the device was still "
        "busy with something else when you started the clock"
    )
    assert is_close(have, want), (
        f"the durations should be {evidence.brief(want)} ms, you have {evidence.brief(have)}"
    )


def is_close(have: np.ndarray, want: np.ndarray | float) -> bool:
    """Return whether durations agree to `RELATIVE`."""
    return bool((np.abs(have - want) <= RELATIVE * np.abs(want)).all())


def judge_interval(got: Any, times: Sequence[float], *, rank: int) -> None:
    """Assert median and ends; `rank` counts from the ends, 1 for the smallest and the largest."""
    ordered = sorted(times)
    n = len(times)
    is_three = isinstance(got, list | tuple | np.ndarray) and len(got) == 3
    assert is_three, (
        f"three numbers are asked for, median, low and high; you have {evidence.brief(got)}"
    )
    median = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    mean = sum(times) / n
    is_mean = abs(float(got[0]) - mean) < 1e-9 * mean < abs(mean - median)
    assert not is_mean, f"the median of {n} times is {median:g}; you have their mean, {mean:g}"
    assert_equal(got[0], median, what=f"the median of {n} times", relative=RELATIVE)
    what = f"of {n} times, low and high are the {rank}. smallest and the {rank}. largest"
    assert_equal(list(got[1:]), [ordered[rank - 1], ordered[-rank]], what=what)


@check(
    "2.1",
    sentence="A duration begins and ends with an idle device: it holds the whole of one call of "
    "`work`, and nothing that was queued before.",
    weight=2.0,
)
def three_calls_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Time three jobs of 4 ms behind a queue of 10 ms: each takes 0.5 + 4 ms."""
    device = SimulatedDevice([4.0], queued_ms=10.0)
    got = timed(student, device, warmup=0, repeats=3)
    show_timeline(device, warmup=0)
    judge_durations(got, device, warmup=0, repeats=3)


@check(
    "2.1",
    sentence="`work` is first called `warmup` times without being measured, then `repeats` times.",
)
def slow_first_calls(student: Student, rng: np.random.Generator) -> None:
    """Time a device whose first call compiles for 24 ms and whose second fills a cache."""
    device = SimulatedDevice([24.0, 8.0, 4.0, 6.0, 5.0])
    got = timed(student, device, warmup=2, repeats=3)
    show_timeline(device, warmup=2)
    judge_durations(got, device, warmup=2, repeats=3)


def show_timeline(device: SimulatedDevice, *, warmup: int) -> None:
    """Show what the student's function made a device do, and when it read the clock."""
    figure, axes = plots.new_figure(wide=True)
    figure.set_size_inches(7, 1.5)
    timing_pictures.timeline(axes, device, warmup=warmup, title="What the device did for you")
    told = f"Jobs of the device on a time axis, and {len(device.readings_ms)} readings of the clock"
    evidence.picture(figure, alt=told)


@check(
    "2.1",
    sentence="With i as large as 2 P(B <= i) <= 0.05 allows, low is the (i + 1)-th smallest of the "
    "times and high the (i + 1)-th largest.",
    weight=2.0,
)
def six_and_nine_times(student: Student, rng: np.random.Generator) -> None:
    """Of six times the interval is the whole range; of nine it leaves one out at each end."""
    nine = [5.2, 5.0, 9.9, 5.1, 5.4, 5.3, 5.6, 4.7, 5.5]
    rows = []
    for times, rank in ((nine[:6], 1), (nine, 2)):
        got = student.median_interval(times)
        ordered = sorted(times)
        wanted = (ordered[rank - 1], ordered[-rank])
        rows.append({"times": len(times), "low and high": wanted, "your answer": str(got)})
        evidence.table(rows[-1:])
        judge_interval(got, times, rank=rank)


@check("2.1", sentence="Fewer than six times raise a `ValueError`: they support no such interval.")
def five_times(student: Student, rng: np.random.Generator) -> None:
    """Five times: even their whole range misses the median in 1 of 16 cases."""
    with raises("ValueError"):
        student.median_interval([5.2, 5.0, 9.9, 5.1, 5.4])
