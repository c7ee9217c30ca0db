"""Schedules on a clock: against a recursion and the formulas of the text; orders that are wrong."""

from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.gpu_training import schedules
from labs.gpu_training.given import splitting
from labs.gpu_training.schedules import ScheduleError, Span, Timeline

SIZES = {"stages": st.integers(1, 7), "micro_batches": st.integers(1, 9)}
MAKERS = (splitting.gpipe, splitting.one_forward_one_backward)


def ends_by_recursion(schedule, *, forward, backward, send):
    """When each operation ends, asked from the back: an oracle that walks the other way."""
    last = len(schedule) - 1

    @cache
    def end(stage, place):
        kind, m = schedule[stage][place]
        before = [end(stage, place - 1)] if place else [0.0]
        if kind == "F" and stage > 0:
            before.append(end(stage - 1, schedule[stage - 1].index(("F", m))) + send)
        if kind == "B" and stage < last:
            before.append(end(stage + 1, schedule[stage + 1].index(("B", m))) + send)
        return max(before) + (forward if kind == "F" else backward)[stage]

    return {
        (stage, *work[place]): end(stage, place)
        for stage, work in enumerate(schedule)
        for place in range(len(work))
    }


@given(**SIZES, make=st.sampled_from(MAKERS), send=st.integers(0, 3), data=st.data())
def test_the_clock_agrees_with_a_recursion(stages, micro_batches, make, send, data):
    times = st.lists(st.integers(1, 9), min_size=stages, max_size=stages)
    forward, backward = data.draw(times), data.draw(times)
    schedule = make(stages, micro_batches)
    timeline = schedules.simulate(schedule, forward=forward, backward=backward, send=send)
    ends = {(s.stage, s.kind, s.micro_batch): s.end for s in timeline.spans}
    assert ends == ends_by_recursion(schedule, forward=forward, backward=backward, send=send)
    for stage in range(stages):
        spans = timeline.of(stage)
        assert [(s.kind, s.micro_batch) for s in spans] == list(schedule[stage])
        assert all(a.end <= b.start for a, b in pairwise(spans))


@given(**SIZES, make=st.sampled_from(MAKERS))
def test_equal_stages_take_what_the_formulas_say(stages, micro_batches, make):
    schedule = make(stages, micro_batches)
    schedules.check_work(schedule, stages=stages, micro_batches=micro_batches)
    timeline = schedules.simulate(schedule)
    rounds = micro_batches + stages - 1
    assert timeline.makespan == 3 * rounds
    assert timeline.efficiency == pytest.approx(micro_batches / rounds)
    assert timeline.bubble_share == pytest.approx((stages - 1) / rounds)


@given(**SIZES)
def test_what_is_kept(stages, micro_batches):
    gpipe = schedules.simulate(splitting.gpipe(stages, micro_batches))
    turns = schedules.simulate(splitting.one_forward_one_backward(stages, micro_batches))
    assert gpipe.held == (micro_batches,) * stages
    assert turns.held == tuple(min(micro_batches, stages - k) for k in range(stages))


def test_a_slow_stage_holds_up_the_others():
    """Stages of 1 and 3, F alone: 3 micro-batches through the slow one are 9, after 1 to begin."""
    work = [[("F", m) for m in range(3)]] * 2
    timeline = schedules.simulate(work, forward=[1, 3])
    assert timeline.makespan == 1 + 9
    assert timeline.bubble_share == pytest.approx(1 - 12 / 20)


def test_late_results_hurt_turns_more():
    """With 4 stages 1F1B waits for each result, GPipe for the first and the last ones."""
    gpipe, turns = (schedules.simulate(make(4, 8), send=1.0) for make in MAKERS)
    assert gpipe.makespan == 33 + 6
    assert turns.makespan > gpipe.makespan


def test_stages_that_wait_for_ever_are_named():
    work = [[("F", 0), ("B", 0), ("F", 1), ("B", 1)], [("F", 1), ("B", 1), ("F", 0), ("B", 0)]]
    with pytest.raises(ScheduleError, match=r"ever: stage 0 at B of .* 0, stage 1 at F of .* 1"):
        schedules.simulate(work)


def test_a_backward_before_its_forward_never_runs():
    with pytest.raises(ScheduleError, match="stage 0 at B of micro-batch 0"):
        schedules.simulate([[("B", 0), ("F", 0)]])


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ([], "there are 1 stages; the schedule is for 0"),
        ([[("F", 0)]], "stage 0 never does B of micro-batch 0"),
        ([[("F", 0), ("B", 0), ("B", 0)]], "stage 0 does 2 times B of micro-batch 0"),
        ([[("F", 0), ("B", 0), ("F", 1)]], "there are F and B of 0 to 0"),
        ([[("F", 0), ("B", 0), ("W", 0)]], "stage 0 does W of micro-batch 0"),
    ],
)
def test_wrong_work_is_refused(work, said):
    with pytest.raises(ScheduleError, match=said):
        schedules.check_work(work, stages=1, micro_batches=1)


def test_what_ranks_did_starts_at_0():
    events = [[("F", 0, 10.0, 11.0), ("B", 0, 14.0, 16.0)], [("F", 0, 11.0, 12.0)]]
    timeline = schedules.observed([*events])
    assert timeline.spans[0] == Span(0, "F", 0, 0.0, 1.0)
    assert (timeline.makespan, timeline.stages) == (6.0, 2)
    assert timeline.efficiency == pytest.approx(4 / 12)


def test_typical_times_are_medians_by_stage():
    one, two = (
        Timeline((Span(0, "F", 0, 0, a), Span(0, "F", 1, 0, b), Span(1, "F", 0, 0, 7)), 2)
        for a, b in ((1, 3), (2, 9))
    )
    assert schedules.typical_times([one, two], "F") == [2.5, 7]
