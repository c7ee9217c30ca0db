"""Split networks on real ranks: the weights of one process, the order of work, honest times."""

from dataclasses import replace
from itertools import pairwise

import pytest

from labs.gpu_training import schedules, split_runs
from labs.gpu_training.given import splitting
from labs.gpu_training.launching.launcher import launch
from labs.gpu_training.schedules import Span, Timeline

MICRO_BATCHES = 4
# Three steps in float32; split_runs.EQUALITY says why rounding cannot grow beyond it.
BOUND = 5e-7
WAYS = {f"{name}, {who}" for name in ("GPipe", "1F1B") for who in ("your order", "torch")}


def orders(ranks):
    made = {"GPipe": splitting.gpipe, "1F1B": splitting.one_forward_one_backward}
    return {name: make(ranks, MICRO_BATCHES) for name, make in made.items()}


@pytest.fixture(scope="module", params=[2, 4])
def launched(request):
    asked = {"schedules": orders(request.param), "micro_batches": MICRO_BATCHES}
    asked["timed"] = replace(split_runs.EQUALITY, steps=2)
    return launch(split_runs.both, world_size=request.param, arguments=asked, timeout_s=300)


def test_all_ways_to_split_train_the_weights_of_one_process(launched):
    found = launched.results[0]["differences"]
    pairs = {"split layers, in pairs"} if len(launched.results) == 4 else set()
    assert found.keys() == WAYS | {"split layers"} | pairs
    assert max(found.values()) <= BOUND, found


@pytest.mark.parametrize("name", ["GPipe", "1F1B"])
def test_ranks_work_in_the_order_they_were_given(launched, name):
    ranks = len(launched.results)
    timelines = split_runs.steps_of(launched.results, name)
    assert len(timelines) == 2  # the first of three warms up
    order = orders(ranks)[name]
    held = schedules.simulate(order).held
    for timeline in timelines:
        for stage in range(ranks):
            spans = timeline.of(stage)
            assert [(s.kind, s.micro_batch) for s in spans] == order[stage]
            assert all(a.end <= b.start for a, b in pairwise(spans))
        assert timeline.held == held
        assert 0 <= timeline.bubble_share < 1


def test_nothing_starts_before_what_it_needs(launched):
    """Times of different processes are those of one clock: they can be compared."""
    for timeline in split_runs.steps_of(launched.results, "1F1B"):
        at = {(s.stage, s.kind, s.micro_batch): s for s in timeline.spans}
        for (stage, kind, m), span in at.items():
            before = (stage - 1, "F", m) if kind == "F" else (stage + 1, "B", m)
            assert before not in at or at[before].end <= span.start


def test_the_typical_step_is_the_median_by_its_makespan():
    steps = [Timeline((Span(0, "F", 0, 0.0, end),), 1) for end in (5.0, 1.0, 3.0, 2.0)]
    assert split_runs.typical(steps).makespan == 2.0
