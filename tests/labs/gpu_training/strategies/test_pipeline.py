"""A pipeline of one stage, in this process; more stages are launched in `test_split_runs`."""

from dataclasses import replace
from itertools import pairwise

import pytest

from labs.gpu_training import split_runs
from labs.gpu_training.equality import largest_difference
from labs.gpu_training.given import splitting
from labs.gpu_training.strategies import (
    gpipe,
    library_pipeline,
    one_forward_one_backward,
    pipeline,
    single,
)

WORKLOAD = replace(split_runs.EQUALITY, batch=4, steps=2)
BOUND = 5e-7  # as in `test_split_runs`: micro-batches are summed in another order


@pytest.fixture(scope="module")
def alone():
    """What one process without micro-batches does."""
    return single.train(WORKLOAD)


@pytest.mark.usefixtures("one_rank")
@pytest.mark.parametrize("make", [splitting.gpipe, splitting.one_forward_one_backward])
def test_an_order_of_ours_is_kept_and_trains_the_same_weights(alone, make):
    order = make(1, 2)
    ran = pipeline.train(WORKLOAD, order=order, micro_batches=2)
    assert largest_difference(ran["weights"], alone["weights"]) <= BOUND
    assert ran["losses"] == pytest.approx(alone["losses"], rel=1e-6)
    assert ran["sent_bytes"] == 0  # there is nobody to send to
    for events in ran["events"]:
        assert [(kind, part) for kind, part, _, _ in events] == order[0]
        assert all(start_s <= end_s for _, _, start_s, end_s in events)
        assert all(one[3] <= two[2] for one, two in pairwise(events))


@pytest.mark.usefixtures("one_rank")
@pytest.mark.parametrize("way", [gpipe, one_forward_one_backward])
def test_torchs_schedules_train_the_same_weights(alone, way):
    ran = way.train(WORKLOAD, micro_batches=2)
    assert largest_difference(ran["weights"], alone["weights"]) <= BOUND
    assert ran["losses"] == pytest.approx(alone["losses"], rel=1e-6)
    assert len(ran["step_s"]) == WORKLOAD.steps


@pytest.mark.usefixtures("one_rank")
def test_an_order_for_other_stages_is_refused():
    with pytest.raises(ValueError, match="the order is for 2 stages; there are 1 ranks"):
        pipeline.train(WORKLOAD, order=splitting.gpipe(2, 2), micro_batches=2)


@pytest.mark.usefixtures("one_rank")
def test_a_batch_without_equal_parts_is_refused():
    with pytest.raises(ValueError, match="batch is 4 and micro_batches 3"):
        library_pipeline.train(WORKLOAD, schedule=None, micro_batches=3)
