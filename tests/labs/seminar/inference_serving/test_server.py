"""The loop of the server: nothing is lost, limits hold, and queues behave as theory says."""

import numpy as np
import pytest
from hypothesis import given as given_inputs
from hypothesis import settings
from hypothesis import strategies as st

from labs.seminar.inference_serving import given, policies
from labs.seminar.inference_serving.loads import Lengths, Request, poisson
from labs.seminar.inference_serving.server import Capacity, Log, serve
from labs.seminar.inference_serving.step_times import StepTimes
from labs.seminar.inference_serving.workers import SimulatedWorker

TIMES = StepTimes(prefill=(3.0, 0.25), decode=(4.0, 0.5, 0.125))
REQUESTS = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 40), st.integers(1, 20)), min_size=1, max_size=15
)


def requests_of(rows: list[tuple[int, int, int]]) -> list[Request]:
    """Return requests by arrival."""
    return [Request(i, float(at), p, o) for i, (at, p, o) in enumerate(sorted(rows))]


def most_at_once(log: Log, *, tokens: bool) -> int:
    """Return the largest sum over requests that run at a time, from the log alone."""
    ran = [(s.token_ms[0], s.token_ms[-1], s.request.tokens if tokens else 1) for s in log.answered]
    return max(sum(n for a, b, n in ran if a <= at <= b) for at, _, _ in ran)


@pytest.mark.parametrize("policy", [given.schedule, policies.static_batching])
@given_inputs(rows=REQUESTS, places=st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_everybody_is_answered_in_order_within_the_limits(policy, rows, places) -> None:
    requests = requests_of(rows)
    capacity = Capacity(cache_tokens=60, most_running=places)
    log = serve(requests, policy, worker=SimulatedWorker(TIMES), capacity=capacity)
    firsts = [s.token_ms[0] for s in log.answered]
    assert len(firsts) == len(requests)  # 40 + 20 tokens fit into 60
    assert firsts == sorted(firsts)
    for s in log.answered:
        assert len(s.token_ms) == s.request.output
        assert all(np.diff(s.token_ms) > 0)
        assert s.token_ms[0] >= s.request.arrival_ms + TIMES.prefill_ms(s.request.prompt)
    assert most_at_once(log, tokens=False) <= places
    assert most_at_once(log, tokens=True) <= 60
    assert log.end_ms == max(s.token_ms[-1] for s in log.answered)


@given_inputs(rows=REQUESTS)
@settings(max_examples=40, deadline=None)
def test_with_exact_times_who_is_kept_is_in_time(rows) -> None:
    capacity = Capacity(cache_tokens=200, most_running=3)
    shed = {"keep": given.keep, "objective_ms": 25.0}
    log = serve(
        requests_of(rows), given.schedule, worker=SimulatedWorker(TIMES), capacity=capacity, **shed
    )
    for s in log.answered:
        # The first token is the sum of the same floats, perhaps in another order.
        assert s.token_ms[0] - s.request.arrival_ms <= 25.0 + 1e-9
    assert len(log.answered) + sum(s.turned_away_ms is not None for s in log.served) == len(rows)


def test_a_queue_with_one_place_waits_as_pollaczek_and_khinchine_say() -> None:
    """One at a time, 10 ms each: the mean wait is rho s / (2 (1 - rho)), 11.67 ms at rho = 0.7."""
    even = StepTimes(prefill=(10.0, 0.0), decode=(0.0, 0.0, 0.0))
    means = []
    for seed in range(12):
        load = poisson(70.0, 3000, lengths=Lengths(), seed=seed)
        one = Capacity(cache_tokens=1000, most_running=1)
        log = serve(load, given.schedule, worker=SimulatedWorker(even), capacity=one)
        waits = [s.token_ms[0] - s.request.arrival_ms - 10.0 for s in log.answered]
        means.append(np.mean(waits[300:]))  # the queue starts empty
    error = np.std(means, ddof=1) / len(means) ** 0.5
    assert abs(np.mean(means) - 0.7 * 10 / (2 * 0.3)) <= 5 * error


def test_a_timeline_by_hand() -> None:
    """Two places, 10 ms a step: request 2 enters when 0 is done, at 30 ms, and 1 waits for it.

    Prompts of 0 and 1 until 20, decode until 30 (0 is done), prompt of 2 until 40, decode until 50.
    """
    even = StepTimes(prefill=(10.0, 0.0), decode=(10.0, 0.0, 0.0))
    requests = [Request(0, 0.0, 4, 2), Request(1, 0.0, 4, 3), Request(2, 5.0, 4, 2)]
    two = Capacity(cache_tokens=100, most_running=2)
    log = serve(requests, given.schedule, worker=SimulatedWorker(even), capacity=two)
    assert [s.token_ms for s in log.served] == [[10, 30], [20, 30, 50], [40, 50]]
    assert log.steps == [(30.0, 2), (50.0, 2)]
    assert log.tokens == 7


def test_an_idle_server_jumps_to_the_next_arrival() -> None:
    far = Request(0, 1e6, 4, 2)
    log = serve([far], given.schedule, worker=SimulatedWorker(TIMES), capacity=Capacity(100, 1))
    assert log.served[0].token_ms[0] == 1e6 + TIMES.prefill_ms(4)


def test_who_never_fits_is_turned_away_and_holds_nobody_up() -> None:
    rows = [(0, 90, 20), (0, 4, 2)]
    worker, capacity = SimulatedWorker(TIMES), Capacity(50, 2)
    log = serve(
        [Request(i, float(a), p, o) for i, (a, p, o) in enumerate(rows)],
        given.schedule,
        worker=worker,
        capacity=capacity,
    )
    assert log.served[0].turned_away_ms == 0.0
    assert [s.request.id for s in log.answered] == [1]


def test_a_policy_that_lets_nobody_in_is_named() -> None:
    def nobody(waiting, running, *, cache_tokens, most_running):
        return {"leave": [], "admit": [], "refuse": []}

    with pytest.raises(RuntimeError, match="1 requests wait and the policy lets nobody in"):
        serve(
            requests_of([(0, 4, 2)]),
            nobody,
            worker=SimulatedWorker(TIMES),
            capacity=Capacity(100, 2),
        )
