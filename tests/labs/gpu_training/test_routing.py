import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.gpu_training import routing
from labs.gpu_training.routing import Router, RoutingError, run

WORD = np.array([1.0, 2.0], np.float32)


def test_messages_of_a_pair_keep_their_order_and_their_numbers():
    router = Router(3)
    for value in range(4):
        router.send(2, 0, array=np.array([value]))
    assert [router.receive(0, 2)[0] for _ in range(4)] == [0, 1, 2, 3]
    assert [(m.sender, m.receiver, m.number) for m in router.messages] == [
        (2, 0, number) for number in range(4)
    ]
    assert router.left_over() == 0


def test_what_was_sent_does_not_change_with_the_array():
    router, array = Router(2), WORD.copy()
    router.send(0, 1, array=array)
    array[:] = 0
    assert router.receive(1, 0).tolist() == router.messages[0].array.tolist() == [1.0, 2.0]


def test_bytes_are_observed_and_not_told():
    router = Router(2)
    router.send(0, 1, array=WORD.astype(np.float64))
    assert router.messages[0].payload_bytes == 16


@pytest.mark.parametrize("to", [0, 2, -1, 1.0, "1", None])
def test_only_another_rank_can_be_sent_to_or_waited_for(to):
    with pytest.raises(RoutingError, match="the other ranks are within 0 to 1"):
        Router(2).send(0, to, array=WORD)
    with pytest.raises(RoutingError, match="rank 0 waits for"):
        Router(2).receive(0, to)


@pytest.mark.parametrize("thing", [[1.0], 3, "text", np.array(["a"]), None])
def test_only_arrays_of_numbers_travel(thing):
    with pytest.raises(RoutingError, match="send an array of numbers"):
        Router(2).send(0, 1, array=thing)


def test_ranks_that_all_wait_are_found_without_a_time_limit():
    def wait(send, recv):
        return recv(1)

    def wait_back(send, recv):
        return recv(0)

    start_s = time.process_time()
    with pytest.raises(RoutingError, match=r"rank \d waits for rank \d, which sends nothing more"):
        run([wait, wait_back])
    assert time.process_time() - start_s < 1  # it is the count of waiting ranks that ends it


def test_a_rank_that_ended_leaves_nobody_waiting():
    with pytest.raises(RoutingError, match="rank 0 waits for rank 1"):
        run([lambda send, recv: recv(1), lambda send, recv: None])


def test_the_first_error_in_time_is_the_one_that_is_told():
    def fails(send, recv):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run([lambda send, recv: recv(1), fails])


def test_a_message_can_be_altered_and_its_record_cannot():
    def call(send, recv):
        return recv(1).tolist()

    results, router = run(
        [call, lambda send, recv: send(0, WORD)], alter=lambda message: message.array + 1
    )
    assert results[0] == [2.0, 3.0]
    assert router.messages[0].array.tolist() == [1.0, 2.0]


def test_what_nobody_takes_is_counted():
    _, router = run([lambda send, recv: send(1, WORD), lambda send, recv: None])
    assert router.left_over() == 1


@given(st.integers(1, 6), st.integers(0, 5))
def test_a_token_goes_round_any_ring(ranks, rounds):
    def call(rank):
        def go(send, recv):
            token = np.array([rank])
            for _ in range(rounds if ranks > 1 else 0):
                send((rank + 1) % ranks, token)
                token = recv((rank - 1) % ranks)
            return int(token[0])

        return go

    results, router = run([call(rank) for rank in range(ranks)])
    steps = rounds if ranks > 1 else 0
    assert results == [(rank - steps) % ranks for rank in range(ranks)]
    assert len(router.messages) == steps * ranks


def test_ranks_really_run_at_the_same_time():
    barrier = threading.Barrier(3, timeout=routing.TIME_LIMIT_S)
    results, _ = run([lambda send, recv: barrier.wait() >= 0] * 3)
    assert results == [True] * 3
