"""The open checks of exercise 2.6: a chain whose activations the check keeps the books of."""

import math
from collections.abc import Callable

import numpy as np

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Callback, Student, callback
from labs.gpu_training import recomputation_pictures
from labs.gpu_training.recomputation import Ledger

Action = Callable[[int], None]


def play(student: Student, layers: int, *, segments: int) -> Ledger:
    """Return the ledger of a student's passes through a chain; a wrong call fails the check."""
    ledger = Ledger(layers)
    student.backward_in_segments(
        layers,
        segments,
        forward=_told(ledger.forward),
        backward=_told(ledger.backward),
        free=_told(ledger.free),
    )
    return ledger


def _told(action: Action) -> Callback:
    def tell(number: object) -> None:
        assert type(number) is int, f"layers and activations go by whole numbers; got {number!r}"
        try:
            action(number)
        except ValueError as err:
            raise AssertionError(str(err)) from err

    return callback(tell)


def judge_gradients(ledger: Ledger) -> None:
    """Assert that every layer had its backward pass."""
    assert len(ledger.backwards) == ledger.layers, (
        f"each of {ledger.layers} layers has one backward pass; {len(ledger.backwards)} had it"
    )


def judge_work(ledger: Ledger) -> None:
    """Assert that no layer ran more than twice."""
    most = max(range(ledger.layers), key=lambda layer: ledger.forwards[layer])
    times = ledger.forwards[most]
    assert times <= 2, f"no layer runs forward more than twice; layer {most} did {times} times"


def judge_memory(ledger: Ledger, *, segments: int) -> None:
    """Assert the most activations held at one time, and what is left at the end."""
    allowed = segments + math.ceil(ledger.layers / segments) + 1
    most = max(ledger.trace, default=0)
    assert most <= allowed, (
        f"{ledger.layers} layers in {segments} segments hold at most {allowed} activations; "
        f"yours hold {most}"
    )


def judge_end(ledger: Ledger) -> None:
    """Assert that the input is left, and nothing else."""
    left = sorted(ledger.held)
    assert left == [0], f"at the end only the input, 0, is held; after yours {left}"


@check(
    "2.6",
    sentence="`backward(i)` runs once for each layer, from the last to the first, while "
    "activation i is held.",
)
def nine_layers(student: Student, rng: np.random.Generator) -> None:
    """Take nine layers in three segments, and draw what is held call by call."""
    ledger = play(student, 9, segments=3)
    figure, axes = plots.new_figure(wide=True)
    title = f"At most {max(ledger.trace, default=0)} activations are held"
    recomputation_pictures.held_over_calls(axes, {"yours": ledger.trace}, title=title)
    evidence.picture(figure, alt="Activations held after each call, rising and falling.")
    judge_gradients(ledger)


@check("2.6", sentence="No layer runs `forward` more than twice.")
def nine_layers_twice(student: Student, rng: np.random.Generator) -> None:
    """Count how often each of nine layers runs."""
    ledger = play(student, 9, segments=3)
    evidence.table([{"layer": each, "times": ledger.forwards[each]} for each in range(9)])
    judge_gradients(ledger)
    judge_work(ledger)


@check(
    "2.6",
    sentence="At no time are more than `segments + ceil(layers / segments) + 1` activations held, "
    "the input among them.",
)
def nine_layers_in_little(student: Student, rng: np.random.Generator) -> None:
    """Count what nine layers in three segments hold: at most seven."""
    ledger = play(student, 9, segments=3)
    judge_gradients(ledger)
    judge_memory(ledger, segments=3)
