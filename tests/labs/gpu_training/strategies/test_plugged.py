"""Functions of the notebook inside a job: what they get, what becomes of what they return."""

import numpy as np
import pytest
import torch
from torch import nn

from labs.gpu_training.strategies import data_parallel, plugged

pytestmark = pytest.mark.usefixtures("one_rank")
EVERYTHING = 10**9  # bytes: one bucket


@pytest.fixture
def model():
    """Two weights; the gradients of `loss_of` are 3 and (1, 2)."""
    return nn.ParameterList([nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(2))])


def loss_of(model):
    first, second = model
    return 3 * first.sum() + (torch.tensor([1.0, 2.0]) * second).sum()


def gradients(model):
    return [gradient.tolist() for gradient in data_parallel.gradients_of(model)]


def test_after_backward_a_function_sees_all_gradients_and_its_means_count(model):
    seen = {}

    def average(given, all_reduce, *, ranks, limit_bytes):
        seen.update(given=[each.tolist() for each in given], ranks=ranks, limit=limit_bytes)
        flat = np.float32([7, 8])
        assert all_reduce(flat).tolist() == [7, 8]
        assert flat.tolist() == [7, 8]
        return [2 * each for each in given]

    traffic = data_parallel.Traffic()
    network, to_gradients = plugged.after_backward(average, 100)(model, traffic)
    to_gradients(loss_of(model))
    assert network is model
    assert seen == {"given": [[3.0], [1.0, 2.0]], "ranks": 1, "limit": 100}
    assert gradients(model) == [[6.0], [2.0, 4.0]]
    assert (traffic.messages, traffic.message_bytes) == (1, 8)


def test_during_backward_gradients_come_one_by_one_and_then_none(model):
    def step(next_gradient, start, *, wait, buckets, ranks):
        arrived = {}
        while (item := next_gradient()) is not None:
            arrived[item[0]] = item[1]
        assert arrived.keys() == {0, 1}
        assert sorted(index for group in buckets for index in group) == [0, 1]
        tickets = {index: start(10 * array) for index, array in arrived.items()}
        return [wait(tickets[index]) / ranks for index in (0, 1)]

    traffic = data_parallel.Traffic()
    _, to_gradients = plugged.during_backward(step, EVERYTHING)(model, traffic)
    to_gradients(loss_of(model))
    assert gradients(model) == [[30.0], [10.0, 20.0]]
    assert traffic.messages == 2


def test_who_does_not_ask_to_the_end_finds_the_next_step_in_order(model):
    def step(next_gradient, start, *, wait, buckets, ranks):
        found = dict(next_gradient() for _ in range(2))  # the None is left in the queue
        return [found[0], found[1]]

    _, to_gradients = plugged.during_backward(step, EVERYTHING)(model, data_parallel.Traffic())
    for times in (1, 2):
        to_gradients(loss_of(model))
        assert gradients(model) == [[3.0 * times], [1.0 * times, 2.0 * times]]


def test_an_error_in_backward_is_raised_where_gradients_are_asked_for(model):
    def step(next_gradient, start, *, wait, buckets, ranks):
        return [next_gradient()]

    _, to_gradients = plugged.during_backward(step, EVERYTHING)(model, data_parallel.Traffic())
    with pytest.raises(RuntimeError, match="does not require grad"):
        to_gradients(torch.zeros(()))


def test_too_few_means_are_refused(model):
    setup = plugged.after_backward(lambda given, *_, **__: given[:1], 1)
    _, to_gradients = setup(model, data_parallel.Traffic())
    with pytest.raises(ValueError, match="shorter"):
        to_gradients(loss_of(model))
