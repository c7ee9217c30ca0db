"""Open checks of exercise 1.13: does it fit, how fast is it, how long does the battery last."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import assert_equal, check
from labs.engine.student import NotAttemptedError, Student, StudentError
from labs.mcu_compression import board_pictures as pictures
from labs.mcu_compression.given import boards as library

Range = tuple[float, float]
EXACT = 1e-6  # single precision rounds to 6e-8, a few times


@dataclass(frozen=True)
class Duty:
    """What a battery's life follows from, in the order of the arguments of `battery_days`."""

    energy_j: Range
    latency_ms: Range
    per_s: float
    active_w: Range
    sleep_w: Range

    @property
    def arguments(self) -> tuple[Any, ...]:
        """As `battery_days` takes them."""
        return self.energy_j, self.latency_ms, self.per_s, self.active_w, self.sleep_w


BY_HAND = Duty((950.4, 2808.0), (50.0, 100.0), 5, (0.010, 0.020), (0.001, 0.002))


def assert_short(got: Any, needs: Mapping[str, int], *, has: Mapping[str, int]) -> None:
    """Check what is missing against the definition."""
    assert isinstance(got, dict), f"the answer is a dict, you have a {type(got).__name__}"
    for name in needs:
        what = f"{name}: {needs[name]:,} B needed, {has[name]:,} B there"
        missing = needs[name] - has[name]
        if missing <= 0:
            assert name not in got, f"{what}, which is enough: no entry, you have {got[name]}"
        else:
            assert name in got, f"{what}: {missing:,} B are missing, you have no entry"
            assert_equal(got[name], missing, what=f"{what}: bytes missing")
    assert set(got) <= set(needs), f"memories are {', '.join(needs)}; you have {', '.join(got)}"


def assert_range(got: Any, want: Range, *, what: str) -> None:
    """Check a range: two finite numbers, the smaller first."""
    assert np.shape(got) == (2,), f"{what}: return two numbers, (lowest, highest)"
    low, high = (float(x) for x in got)
    assert not low > high, f"{what}: the smaller end comes first, you have ({low:.6g}, {high:.6g})"
    for end, number, wanted in zip(("lower", "upper"), (low, high), want, strict=True):
        assert_equal(number, wanted, what=f"{end} end of {what}", relative=EXACT)


def assert_days(got: Any, duty: Duty) -> None:
    """Check a battery's life against the definition."""
    want = library.battery_days(*duty.arguments)
    busy = [duty.per_s * each / 1000 for each in duty.latency_ms]
    what = (
        f"days with {duty.energy_j[0]:.5g} to {duty.energy_j[1]:.5g} J, "
        f"{duty.latency_ms[0]:.4g} to {duty.latency_ms[1]:.4g} ms {duty.per_s:g} times a second "
        f"(busy {busy[0]:.1%} to {busy[1]:.1%})"
    )
    assert_range(got, want, what=what)


def assert_refused(student: Student, duty: Duty) -> None:
    """Check that a board that may not keep up is refused with a ValueError."""
    busy = duty.per_s * max(duty.latency_ms) / 1000
    what = f"{duty.latency_ms[1]:g} ms {duty.per_s:g} times a second is busy {busy:.0%}"
    try:
        did = f"you return {evidence.brief(student.battery_days(*duty.arguments))}"
    except NotAttemptedError:
        raise
    except StudentError as err:
        if err.name == "ValueError":
            return
        did = f"but {err}"
    raise AssertionError(f"{what}: raise a ValueError, {did}")


@check("1.13", sentence="Each memory that is too small has an entry: how many bytes are missing.")
def memories_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take a board whose RAM is too small, one where both are, and one with room for all."""
    needs = {"flash": 31_000, "RAM": 9_400}
    cases = [{"flash": 65_536, "RAM": 8_192}, {"flash": 16_384, "RAM": 2_048}]
    cases.append({"flash": 1_048_576, "RAM": 262_144})
    answers = [student.short_of(needs, has) for has in cases]
    evidence.table(
        [
            {"needs": str(needs), "has": str(has), "yours": str(got)}
            for has, got in zip(cases, answers, strict=True)
        ]
    )
    for has, got in zip(cases, answers, strict=True):
        assert_short(got, needs, has=has)


@check("1.13", sentence="Both ends are cycles / clock_hz, in milliseconds.")
def latency_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take 4.8 to 5.2 million cycles at 64 MHz: 75 to 81.25 ms."""
    got = student.latency_ms((4_800_000, 5_200_000), 64e6)
    evidence.table(
        [{"4.8 to 5.2 M cycles at 64 MHz, by hand": "75 to 81.25 ms", "yours": _told(got)}]
    )
    assert_range(got, (75.0, 81.25), what="4.8 to 5.2 million cycles at 64 MHz [ms]")


@check(
    "1.13",
    sentence="The mean power is active power times busy share plus sleep power times the rest.",
)
def battery_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Take the battery worked out by hand: 1 to 10 days."""
    got = student.battery_days(*BY_HAND.arguments)
    evidence.table([{"by hand": "1 to 10 days", "yours": _told(got)}])
    assert_range(got, (1.0, 10.0), what="the days worked out by hand")


@check(
    "1.13", sentence="A board whose busy share may exceed 1 cannot keep up: raise a `ValueError`."
)
def rates(student: Student, rng: np.random.Generator) -> None:
    """Raise the rate until the board is busy all the time, then ask for more."""
    points = []
    for per_s in np.geomspace(0.01, 9.9, 12).tolist():
        duty = Duty(BY_HAND.energy_j, BY_HAND.latency_ms, per_s, BY_HAND.active_w, (2e-5, 5e-5))
        got = student.battery_days(*duty.arguments)
        assert_days(got, duty)
        points.append((per_s, float(got[0]), float(got[1])))
    figure, axes = plots.new_figure()
    pictures.lifetimes(axes, {"yours": points}, title="Days of a small battery")
    evidence.picture(figure, alt="Battery life falls the more often the board computes.")
    assert all(math.isfinite(point[2]) for point in points)
    assert_refused(student, Duty(BY_HAND.energy_j, (50.0, 100.0), 12, (0.01, 0.02), (1e-5, 2e-5)))


def _told(got: Any) -> str:
    """Return a range in few digits, or whatever else it is."""
    if isinstance(got, list | tuple | np.ndarray):
        return " to ".join(evidence.brief(each) for each in got)
    return evidence.brief(got)
