"""The open checks of exercise 6.1: thresholds between float32 numbers, and codes in order."""

import struct
from typing import Any

import numpy as np

from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Student

LARGEST = 0x7F7F_FFFF  # the largest finite float32, as a whole number


def wanted_code(number: float) -> int:
    """Return the code of a float32 from its bytes, written as hexadecimal digits."""
    size = int(struct.pack(">f", abs(number)).hex(), 16)
    return -size if number < 0 else size


def number_of(code: int) -> float:
    """Return the float32 that has a code."""
    size: float = struct.unpack(">f", abs(code).to_bytes(4, "big"))[0]
    return -size if code < 0 else size


def wanted_threshold(threshold: float) -> float:
    """Return the largest float32 not above a threshold, by halving the range of all codes."""
    low, high = -LARGEST, LARGEST + 1  # of a number not above, and of one above
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if number_of(middle) <= threshold else (low, middle)
    return number_of(low)


def as_number(got: Any, *, what: str) -> float:
    """Check that an answer is one real number."""
    if isinstance(got, np.ndarray) and got.ndim == 0:
        got = got.item()
    assert isinstance(got, int | float), f"{what}: return a number, you have {evidence.brief(got)}"
    assert not isinstance(got, bool), f"{what}: return a number, you have {got}"
    return got


def judge_threshold(got: Any, *, threshold: float) -> None:
    """Assert that a threshold became the right float32."""
    what = f"the threshold {threshold!r}"
    have, want = as_number(got, what=what), wanted_threshold(threshold)
    if have == want:
        return
    why = ""
    if number_of(wanted_code_near(have)) != have:
        why = "; this is no float32"
    elif have > threshold:
        why = "; this is above the threshold"
    elif have < want:
        why = "; a larger float32 is not above the threshold either"
    raise AssertionError(f"{what}: expected {want!r}, you have {have!r}{why}")


def wanted_code_near(number: float) -> int:
    """Return the code of the float32 next to any number; 0 beyond all of them."""
    try:
        return wanted_code(number)
    except (OverflowError, struct.error, ValueError):
        return 0


def judge_code(got: Any, *, number: float) -> None:
    """Assert that a number has the right code."""
    what = f"the code of {number!r}"
    if isinstance(got, np.ndarray) and got.ndim == 0:
        got = got.item()
    is_whole = isinstance(got, int) and not isinstance(got, bool)
    assert is_whole, f"{what}: return an int, you have {evidence.brief(got)}"
    want = wanted_code(number)
    assert got == want, f"{what}: expected {want}, you have {evidence.brief(got)}"


@check("6.1", sentence="The new threshold is the largest float32 that is not above the old one.")
def thresholds_by_hand(student: Student, rng: np.random.Generator) -> None:
    """Move four thresholds: two that have a float32 below nearby, and two that are one."""
    thresholds = [0.1, 0.7, 2.5, -0.1]
    got = [student.float32_threshold(threshold) for threshold in thresholds]
    evidence.table(
        [
            {"old": f"{t:.17g}", "new": f"{wanted_threshold(t):.17g}", "yours": _digits(have)}
            for t, have in zip(thresholds, got, strict=True)
        ]
    )
    for threshold, have in zip(thresholds, got, strict=True):
        judge_threshold(have, threshold=threshold)


def _digits(got: Any) -> str:
    return f"{got:.17g}" if isinstance(got, float) else evidence.brief(got)


@check(
    "6.1",
    sentence="The code of a number that is 0 or more is its 32 bits as float32, read as a whole "
    "number.",
)
def codes_of_positive_numbers(student: Student, rng: np.random.Generator) -> None:
    """Read the bits of 0, 1 and 2.5."""
    for number in (0.0, 1.0, 2.5):
        judge_code(student.ordered_code(number), number=number)


@check(
    "6.1",
    sentence="The code of a negative number is minus the code of its absolute value; -0.0 has the "
    "code 0.",
)
def codes_of_negative_numbers(student: Student, rng: np.random.Generator) -> None:
    """Take numbers with a sign, the last of them zero."""
    for number in (-1.0, -2.5, -0.0):
        judge_code(student.ordered_code(number), number=number)
