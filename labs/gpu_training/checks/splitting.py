"""The open checks of exercise 2.10: a layer of four columns on two ranks, three stages."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils import plots
from labs.engine import evidence
from labs.engine.checks import check
from labs.engine.student import Callback, Student, callback
from labs.gpu_training import schedule_pictures, split_layers
from labs.gpu_training.schedules import (
    FORWARD,
    Schedule,
    ScheduleError,
    Timeline,
    check_work,
    most_held,
    simulate,
)

Floats = npt.NDArray[np.float64]
# float32 keeps 24 bits: a sum of 64 products is right to about 64 * 6e-8 of the largest values.
RELATIVE = 1e-5
F_AND_B = 3  # units of time: a forward takes 1, a backward 2


def judge_layer(student: Student, layer: split_layers.Layer, *, ranks: int) -> list[Floats]:
    """Assert for every rank what it hands in and what comes back; return what it adds.

    What counts is seen here: the other ranks' parts are known to this side alone.
    """
    whole = [layer.output(), layer.input_gradient()]
    first = []
    for rank in range(ranks):
        part = layer.part(rank, ranks)
        own = [part.output(), part.input_gradient()]
        all_reduce = sums([total - each for total, each in zip(whole, own, strict=True)])
        asked = {"gradient": layer.gradient, "rank": rank, "ranks": ranks, "all_reduce": all_reduce}
        got = student.column_row_mlp(layer.x, (layer.up, layer.down), **asked)
        at = f"rank {rank} of {ranks}"
        judge_calls(all_reduce, own, at=at)
        assert len(got) == 2, f"two arrays come back, output and gradient; you have {len(got)}"
        judge_close(got[0], whole[0], what=f"the output on {at}")
        judge_close(got[1], whole[1], what=f"the gradient of x on {at}")
        first.append(np.asarray(all_reduce.calls[0][0]))
    return first


def sums(others: Sequence[Floats]) -> Callback:
    """Return an all-reduce whose other ranks hand in these values, one array a call."""
    waiting = iter(others)

    def all_reduce(values: Any) -> Any:
        handed, rest = np.asarray(values), next(waiting, None)
        is_sum = rest is not None and handed.shape == rest.shape
        return handed + rest if is_sum else handed

    return callback(all_reduce)


def judge_calls(all_reduce: Callback, own: Sequence[Floats], *, at: str) -> None:
    """Assert two calls, each with what this rank adds to a sum."""
    times = len(all_reduce.calls)
    assert times == 2, f"{at}: all_reduce is called exactly twice; you call it {times} times"
    for (values,), want, name in zip(
        all_reduce.calls, own, ("the output", "the gradient of x"), strict=True
    ):
        handed = np.asarray(values)
        assert handed.shape == want.shape, (
            f"{at}: for {name} {want.shape} is handed in, {want.size} numbers; "
            f"yours has the shape {handed.shape}, {handed.size} numbers"
        )
        judge_close(handed, want, what=f"what {at} adds to {name}")


def judge_close(got: object, want: Floats, *, what: str) -> None:
    """Assert that an array is right but for rounding."""
    have = np.asarray(got)
    assert have.shape == want.shape, f"{what} has the shape {want.shape}; yours {have.shape}"
    apart = float(np.abs(have - want).max())
    assert apart <= RELATIVE * max(1.0, float(np.abs(want).max())), (
        f"{what}: expected {evidence.brief(want)}, yours is {evidence.brief(have)}, "
        f"off by up to {apart:.3g}"
    )


def judge_schedule(schedule: Schedule, *, stages: int, micro_batches: int) -> Timeline:
    """Assert that all work is done once, and in the shortest time; return the timeline."""
    try:
        check_work(schedule, stages=stages, micro_batches=micro_batches)
        timeline = simulate(schedule)
    except ScheduleError as err:
        raise AssertionError(f"{stages} stages, {micro_batches} micro-batches: {err}") from err
    least = F_AND_B * (micro_batches + stages - 1)
    assert timeline.makespan == least, (
        f"{stages} stages, {micro_batches} micro-batches: all is done after "
        f"{timeline.makespan:g} units of time; {least} are enough"
    )
    return timeline


def judge_gpipe(
    student: Student, *, stages: int, micro_batches: int, is_shown: bool = False
) -> None:
    """Assert what the exercise says of GPipe; if wanted, show it first."""
    schedule = student.gpipe(stages, micro_batches)
    if is_shown:
        _show(schedule, name="GPipe")
    judge_schedule(schedule, stages=stages, micro_batches=micro_batches)
    for stage, work in enumerate(schedule):
        first = next(place for place, (kind, _) in enumerate(work) if kind != FORWARD)
        assert first == micro_batches, (
            f"GPipe, stage {stage}: the first B stands after {first} F; "
            f"all {micro_batches} F come first"
        )


def judge_1f1b(
    student: Student, *, stages: int, micro_batches: int, is_shown: bool = False
) -> None:
    """Assert what the exercise says of 1F1B; if wanted, show it first."""
    schedule = student.one_forward_one_backward(stages, micro_batches)
    if is_shown:
        _show(schedule, name="1F1B")
    judge_schedule(schedule, stages=stages, micro_batches=micro_batches)
    for stage, work in enumerate(schedule):
        held, most = most_held([kind for kind, _ in work]), min(micro_batches, stages - stage)
        assert held <= most, (
            f"1F1B, stage {stage} of {stages} with {micro_batches} micro-batches keeps {held} "
            f"at one time; at most {most} are needed"
        )


def _show(schedule: Schedule, *, name: str) -> None:
    """Show a schedule as a Gantt chart, if it can be run at all."""
    try:
        timeline = simulate(schedule)
    except (ValueError, TypeError, KeyError, AttributeError):  # the verdict names what is wrong
        return
    if timeline.spans:
        figure, axes = plots.new_figure(wide=True)
        title = f"Your {name}: {timeline.bubble_share:.0%} of the stages' time is idle"
        schedule_pictures.gantt(axes, timeline, title=title, x_label="time [forwards]")
        evidence.picture(figure, alt=schedule_pictures.gantt_alt(timeline))


@check(
    "2.10",
    sentence="The output, `relu(x @ up) @ down`, and the gradient of x come back whole on every "
    "rank.",
    weight=2.0,
)
def four_columns_on_two_ranks(student: Student, rng: np.random.Generator) -> None:
    """Follow the example of the text: (1, 2) and (6, 0) make (7, 2)."""
    layer = split_layers.small()
    added = judge_layer(student, layer, ranks=2)
    parts = [layer.part(rank, 2).output() for rank in range(2)]
    evidence.table(
        [
            {"rank": rank, "adds": part.tolist(), "yours": mine.tolist(), "bytes": mine.nbytes}
            for rank, (part, mine) in enumerate(zip(parts, added, strict=True))
        ]
    )


@check(
    "2.10",
    sentence="In GPipe every stage does all its F before its first B.",
)
def gpipe_of_three_stages(student: Student, rng: np.random.Generator) -> None:
    """Run three stages and four micro-batches: 18 units of time."""
    judge_gpipe(student, stages=3, micro_batches=4, is_shown=True)


@check(
    "2.10",
    sentence="In 1F1B stage k, counted from 0, keeps at most min(M, K - k) micro-batches at one "
    "time.",
)
def turns_of_three_stages(student: Student, rng: np.random.Generator) -> None:
    """Run three stages and four micro-batches, and keep 3, 2 and 1 of them."""
    judge_1f1b(student, stages=3, micro_batches=4, is_shown=True)
