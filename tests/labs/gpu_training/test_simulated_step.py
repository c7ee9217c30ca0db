"""The simulated clock against times worked out by hand, and against a search over all orders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.gpu_training.simulated_step import SimulatedStep, ready_after


def step_of(sizes: list[int], **options: float) -> SimulatedStep:
    gradients = [np.ones(size, np.float32) for size in sizes]
    order = list(range(len(sizes)))[::-1]
    return SimulatedStep(gradients, order=order, gradient_ms=[2.0] * len(sizes), **options)  # type: ignore[arg-type]


def test_messages_queue_for_the_network() -> None:
    step = step_of([4, 4, 4], latency_ms=1.0, bytes_per_ms=4.0)  # 1 + 16 / 4 = 5 ms a message
    for _ in range(3):
        ready = step.next_gradient()
        assert ready is not None
        step.start(ready[1])
    assert step.next_gradient() is None
    assert [(m.begin_ms, m.end_ms, m.gradients) for m in step.messages] == [
        (2.0, 7.0, 1),
        (7.0, 12.0, 2),
        (12.0, 17.0, 3),
    ]
    assert step.now_ms == 6.0
    step.wait(0)
    assert (step.now_ms, step.early_waits) == (7.0, 0)


def test_waiting_early_stops_backward() -> None:
    step = step_of([4, 4], latency_ms=1.0, bytes_per_ms=4.0)
    _, gradient = step.next_gradient() or (0, np.ones(0))
    assert step.wait(step.start(gradient)).tolist() == [2.0] * 4
    assert (step.early_waits, step.now_ms) == (1, 7.0)
    step.next_gradient()
    assert step.computing == [(0.0, 2.0), (7.0, 9.0)]


@pytest.mark.parametrize("ticket", [0, -1, "x"])
def test_a_ticket_that_nobody_gave_is_refused(ticket: object) -> None:
    with pytest.raises(AssertionError, match="ticket"):
        step_of([1]).wait(ticket)


@given(st.permutations(range(6)))
def test_a_bucket_is_ready_when_it_and_all_before_are_complete(order: list[int]) -> None:
    groups = [[5, 4], [3, 2, 1], [0]]
    for number, ready in enumerate(ready_after(groups, order)):
        needed = {index for group in groups[: number + 1] for index in group}
        assert needed <= set(order[:ready])
        assert not needed <= set(order[: ready - 1])
