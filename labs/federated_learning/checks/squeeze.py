"""The open checks of exercise 3.6: six numbers sent as two, four as codes, and what is left."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labs.engine import evidence
from labs.engine.checks import check, raises
from labs.engine.student import Student, callback

Array = NDArray[Any]
HALF_BIT = 2.0**-24  # what one rounding to float32 moves a number by, at most, of its size


# ---- forms and bytes


def judge_arrays(answer: object, *, dtypes: tuple[str, str], what: str) -> tuple[Array, Array]:
    """Assert that an answer is two flat arrays of some types, and return them."""
    assert isinstance(answer, tuple | list), f"{what}: return two arrays"
    assert len(answer) == 2, f"{what}: return two arrays; you gave {len(answer)} things"
    for array, dtype in zip(answer, dtypes, strict=True):
        assert isinstance(array, np.ndarray), f"{what}: return NumPy arrays, not {type(array)}"
        assert array.ndim == 1, f"{what}: return flat arrays; yours has the shape {array.shape}"
        assert array.dtype == dtype, (
            f"{what}: should be {dtypes[0]} and {dtypes[1]}; yours are "
            f"{' and '.join(str(each.dtype) for each in answer)}, {sent_bytes(answer):,} B in all"
        )
    return answer[0], answer[1]


def sent_bytes(message: object) -> int:
    """Return the bytes of the arrays in a message, whatever it says about itself."""
    parts = message if isinstance(message, tuple | list) else ()
    return sum(part.nbytes for part in parts if isinstance(part, np.ndarray))


# ---- the largest numbers


def judge_top_k(student: Student, update: Array, *, k: int, what: str) -> None:
    """Assert form, bytes and content of the message with the k largest numbers."""
    answer = student.top_k(update, k)
    indices, values = judge_arrays(answer, dtypes=("uint32", "float32"), what=what)
    sizes = np.abs(update).tolist()
    # No function of its own, which a student could import.
    wanted = sorted(sorted(range(len(sizes)), key=lambda place: (-sizes[place], place))[:k])
    assert sent_bytes(answer) == 8 * len(wanted), (
        f"{what}: {len(wanted)} numbers take {8 * len(wanted)} B; yours {sent_bytes(answer)}"
    )
    got = indices.tolist()
    assert sorted(got) == wanted, f"{what}: indices {wanted[:8]} are due; yours {got[:8]}"
    assert got == wanted, f"{what}: indices should ascend; yours {got[:8]}"
    assert bool((values == update[wanted]).all()), (
        f"{what}: values {update[wanted][:8]} belong to these indices; yours {values[:8]}"
    )


@check(
    "3.6",
    sentence="The k numbers of the largest size are sent, whatever their sign; of equals, those "
    "with the lower index.",
)
def two_of_six(student: Student, rng: np.random.Generator) -> None:
    """Send two numbers of six, of which two are the largest, one of them negative."""
    update = np.array([3, -5, 0, 4, 1, -2], np.float32)
    evidence.table(
        [
            {"k": k, "due": np.array(due), "yours": first(student.top_k(update, k))}
            for k, due in ((1, [1]), (2, [1, 3]))
        ]
    )
    judge_top_k(student, update, k=1, what="k = 1 of 6")
    judge_top_k(student, update, k=2, what="k = 2 of 6")


def first(answer: object) -> object:
    """Return the first part of an answer, if it has parts."""
    return answer[0] if isinstance(answer, tuple | list) and answer else answer


# ---- codes of 8 bits


def judge_codes(student: Student, update: Array, *, uniform: Array, what: str) -> Array:
    """Assert codes and scale, and return what they stand for."""
    answer = student.quantize_int8(update, uniform)
    codes, scale = judge_arrays(answer, dtypes=("int8", "float32"), what=what)
    assert codes.shape == update.shape, f"{what}: {len(update)} codes are due; yours {len(codes)}"
    assert scale.shape == (1,), f"{what}: one scale is due; yours {len(scale)}"
    largest = float(np.abs(update).max())
    # The quotient and its rounding to float32 move the scale by a few times HALF_BIT.
    is_right = abs(float(scale[0]) - largest / 127) <= 4 * HALF_BIT * largest / 127
    assert is_right, f"{what}: the scale should be {largest / 127:.7g}, you have {scale[0]:.7g}"
    exact = update.astype(np.float64) * 127 / (largest or 1.0)
    # Scale, quotient and sum are rounded once each, at a size of up to 128; at a whole number
    # either neighbour is right then. Zeros meet no rounding, so they must be exact.
    slack = np.where(update == 0, 0.0, 128 * 4 * HALF_BIT)
    low, high = (np.clip(np.floor(exact + uniform + side), -127, 127) for side in (-slack, slack))
    is_due = (codes >= low) & (codes <= high)
    if not is_due.all():
        at = int(np.argmin(is_due))
        raise AssertionError(
            f"{what}: number {at}, {update[at]:.7g} at a scale of {largest / 127:.7g} with "
            f"{uniform[at]:.4g}, has the code {high[at]:.0f}; yours {codes[at]}"
        )
    return codes * scale


@check(
    "3.6",
    sentence="Each number is divided by the scale, its entry of `uniform` is added, and the sum "
    "is rounded down.",
)
def four_codes(student: Student, rng: np.random.Generator) -> None:
    """Quantise four numbers at a scale of 2: 254 becomes 127, and 1 is rounded up or down."""
    update = np.array([254, 1, 1, -3], np.float32)
    uniform = np.array([0.25, 0.25, 0.75, 0.25], np.float32)
    evidence.table(
        [
            {"uniform": uniform[0:4], "due": np.array([127, 0, 1, -2])}
            | {"yours": first(student.quantize_int8(update, uniform))}
        ]
    )
    judge_codes(student, update, uniform=uniform, what="four numbers")


def judge_refusal(student: Student, bad: float, *, size: int, at: int) -> None:
    """Assert that neither function makes a message of a number that is not finite, only of it."""
    update = np.linspace(-1, 1, size).astype(np.float32)
    uniform = np.zeros(size, np.float32)
    # So that refusing everything earns nothing.
    for message in (student.top_k(update, 1), student.quantize_int8(update, uniform)):
        assert isinstance(message, tuple | list), "finite numbers make a message of two arrays"
    update[at] = bad
    with raises("ValueError"):
        student.top_k(update, 1)
    with raises("ValueError"):
        student.quantize_int8(update, uniform)


@check(
    "3.6",
    sentence="A number that is NaN or infinite raises a ValueError in both functions: nothing is "
    "sent.",
)
def one_nan(student: Student, rng: np.random.Generator) -> None:
    """Refuse an update in which one number of five is NaN."""
    judge_refusal(student, float("nan"), size=5, at=2)


# ---- what was not sent


@dataclass
class Sender:
    """Makes messages for a check and remembers what it was asked for.

    Parameters
    ----------
    lossy
        What arrives of an array, given how often it was asked.
    """

    lossy: Callable[[Array, int], Array]
    given: list[Array] = field(default_factory=list)
    opened: list[Any] = field(default_factory=list)

    def ask(self, student: Student, update: Array, *, memory: Array) -> tuple[Any, Any]:
        """Return message and new memory as the student has them."""

        # Not methods: functions of this module do not exist while the student's code runs.
        def compress(array: Any) -> dict[str, Any]:
            given = np.asarray(array)
            assert given.dtype == np.float32, f"compress takes float32; you gave {given.dtype}"
            self.given.append(given)
            return {"number": len(self.given), "arrived": self.lossy(given, len(self.given))}

        def decompress(message: Any) -> Array:
            assert isinstance(message, dict), "decompress takes what compress returned"
            assert set(message) == {"number", "arrived"}, "decompress takes what compress returned"
            self.opened.append(message)
            return np.asarray(message["arrived"])

        answer = student.with_error_feedback(
            update, memory, compress=callback(compress), decompress=callback(decompress)
        )
        assert isinstance(answer, tuple | list), "return two things: message, new memory"
        assert len(answer) == 2, "return two things: message, new memory"
        return answer[0], answer[1]


def judge_feedback(
    student: Student, update: Array, *, memory: Array, lossy: Callable[[Array, int], Array]
) -> tuple[Array, Array]:
    """Assert calls, message and new memory of one round; return what arrived, and the memory."""
    sender = Sender(lossy)
    message, left = sender.ask(student, update, memory=memory)
    owed = update.astype(np.float64) + memory
    judge_asked(sender, message, owed=owed)
    arrived = np.asarray(message["arrived"], np.float64)
    got = np.asarray(left)
    assert got.shape == update.shape, f"the memory has {len(update)} numbers; yours {got.shape}"
    assert got.dtype == np.float32, f"the memory is float32; yours {got.dtype}"
    # The sum is rounded once, and what is left of it once more.
    slack = 2 * HALF_BIT * (np.abs(owed) + np.abs(arrived))
    is_right = np.abs(got - (owed - arrived)) <= slack
    if not is_right.all():
        at = int(np.argmin(is_right))
        raise AssertionError(
            f"number {at}: {owed[at]:.7g} went in and {arrived[at]:.7g} was sent, so "
            f"{owed[at] - arrived[at]:.7g} is left; your memory has {got[at]:.7g}"
        )
    return arrived, got


def judge_asked(sender: Sender, message: Any, *, owed: Array) -> None:
    """Assert that both functions were asked once, and with what is due."""
    for name, calls in (("compress", sender.given), ("decompress", sender.opened)):
        assert len(calls) == 1, f"{name} is asked once; you asked {len(calls)} times"
    given = sender.given[0]
    assert given.shape == owed.shape, f"compress takes {len(owed)} numbers; yours {given.shape}"
    is_sum = np.abs(given - owed) <= HALF_BIT * np.abs(owed)
    assert bool(is_sum.all()), (
        f"compress gets the sum of update and memory, {owed[:4]}; yours {given[:4]}"
    )
    is_same = isinstance(message, dict) and message.get("number") == 1
    assert is_same, "the first thing returned is the message as compress made it"
    arrived = np.asarray(message["arrived"])
    assert bool((arrived == sender.lossy(given, 1)).all()), "the message was changed"
    assert bool((np.asarray(sender.opened[0]["arrived"]) == arrived).all()), (
        "decompress gets what compress returned"
    )


@check(
    "3.6",
    sentence="The new memory is what was not sent: what arrived and the new memory add up to what "
    "went in.",
)
def what_two_rounds_leave(student: Student, rng: np.random.Generator) -> None:
    """Send the larger of two numbers, three times: the smaller one's turn comes."""

    def larger(owed: Array, number: int) -> Array:
        sent = np.zeros_like(owed)
        at = int(np.argmax(np.abs(owed)))
        sent[at] = owed[at]
        return sent

    update, memory = np.array([1, 0.625], np.float32), np.zeros(2, np.float32)
    rows = []
    for round_ in (1, 2, 3):
        arrived, memory = judge_feedback(student, update, memory=memory, lossy=larger)
        rows.append({"round": round_, "arrived": arrived, "left": memory})
    evidence.table(rows)
