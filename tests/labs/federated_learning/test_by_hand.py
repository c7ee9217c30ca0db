import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from labs.federated_learning import by_hand
from labs.federated_learning.given.averaging import client_update, fed_avg, federated_round
from labs.federated_learning.local import Local
from labs.federated_learning.loop import Return, Setting, run
from labs.federated_learning.networks import Network
from labs.federated_learning.tasks import Task


@pytest.fixture(scope="module")
def task() -> Task:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(60, 6, generator=generator), torch.arange(60) % 3
    network = Network(lambda: nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)))
    return Task("digits", x, y, x[:9], y[:9], network, 3)


def test_a_gradient_predicts_small_changes_of_the_loss(task: Task) -> None:
    weights = task.network.initial(0).numpy()
    batch = np.arange(7, 30)
    gradient = by_hand.gradient_function(task)(weights, batch)

    def loss(moved: np.ndarray) -> float:
        logits = task.network(torch.from_numpy(moved), task.x[batch].double())
        return float(nn.functional.cross_entropy(logits, task.y[batch]))

    direction = np.random.default_rng(1).normal(size=len(weights))
    step = 1e-4 * direction
    slope = (loss(weights + step) - loss(weights - step)) / 2e-4
    # A central difference errs by the step squared, 1e-8, times third derivatives of order 1 times
    # the cube of a direction of 53 numbers, which stays below 100.
    assert gradient @ direction == pytest.approx(slope, abs=1e-6)
    assert gradient.dtype == np.float32


@settings(max_examples=30, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 59), min_size=1, max_size=6, unique=True),
    rate=st.floats(1e-3, 2),
    seed=st.integers(0, 20),
)
def test_single_steps_stay_within_the_bound(
    task: Task, cuts: list[int], rate: float, seed: int
) -> None:
    gradient_of = by_hand.gradient_function(task)
    parts = np.split(np.random.default_rng(seed).permutation(60), sorted(cuts))
    samples = [len(part) for part in parts]
    start = task.network.initial(seed).numpy()
    how = {"gradient_of": gradient_of, "learning_rate": rate}
    averaged = federated_round(
        start, lambda k, w: client_update(w, [parts[k]], **how), samples=samples
    )
    at_once = client_update(start, [np.arange(60)], **how)
    changes = [np.float32(rate) * gradient_of(start, part) for part in parts]
    bound = by_hand.rounding_bound(start, changes=changes, samples=samples)
    assert (np.abs(averaged.astype(np.float64) - at_once) <= bound).all()


def test_the_bound_is_broken_by_an_average_over_clients(task: Task) -> None:
    gradient_of = by_hand.gradient_function(task)
    parts = np.split(np.arange(60), [4])
    start = task.network.initial(0).numpy()
    changes = [np.float32(0.1) * gradient_of(start, part) for part in parts]
    wrong = np.mean([start - change for change in changes], axis=0)
    right = start - 0.1 * gradient_of(start, np.arange(60))
    bound = by_hand.rounding_bound(start, changes=changes, samples=[4, 56])
    assert np.max(np.abs(wrong - right) / bound) > 100


def test_the_library_trains_alike(task: Task) -> None:
    start = task.network.initial(0).numpy()
    before = start.copy()
    batches = np.split(np.arange(60), 6)
    usual = by_hand.library_training(task, start, batches=batches, learning_rate=0.2)
    ours = client_update(
        start, batches, gradient_of=by_hand.gradient_function(task), learning_rate=0.2
    )
    # Sums of at most 10 samples and 6 products of numbers below 4, in 6 steps.
    assert by_hand.relative_difference(ours, usual, start=start) <= 6 * 64 * 2.0**-24 * 10
    assert np.array_equal(start, before)


def test_differences_are_over_the_largest_change() -> None:
    start, a, b = np.float32([[1, 1], [1.5, 3], [2, 3]])
    assert by_hand.relative_difference(a, b, start=start) == 0.25


def test_the_server_averages_as_the_function_does(task: Task) -> None:
    parts = np.split(np.arange(60), [10, 15])
    setting = Setting(rounds=3, local=Local(1, 5))
    own = run(task, parts, setting=setting, server=by_hand.Averaging(federated_round))
    usual = run(task, parts, setting=setting)
    # Two averages in float64, rounded to float32: they differ in a last bit now and then.
    assert torch.allclose(own.weights, usual.weights, atol=3 * 2.0**-23)


def test_clients_answer_in_any_order() -> None:
    returned = [
        Return(client, torch.full((2,), float(client)), samples, 1, 0.0)
        for client, samples in ((7, 1), (2, 3))
    ]
    got = by_hand.Averaging(federated_round).aggregate(torch.zeros(2), returned)
    assert got.tolist() == [3.25, 3.25]


def test_the_stand_ins_work_out_the_example_of_the_notebook() -> None:
    assert fed_avg([np.float32([4]), np.float32([8])], [1, 3]).tolist() == [7.0]
    got = client_update(
        np.float32([0]), [None, None], gradient_of=lambda w, _: w - 6, learning_rate=0.5
    )
    assert got.tolist() == [4.5]
    asked: list[int] = []
    same = federated_round(np.float32([2]), lambda k, _: asked.append(k), samples=[0, 0])
    assert (same.tolist(), asked) == ([2.0], [])


def test_a_regression_has_the_gradient_of_its_loss():
    problem = by_hand.Regression(np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([1.0, -1.0]))
    # Off by 2 and 4 at (1, 1): the mean of 2 (1, 2) and 4 (3, 0).
    assert problem.gradient(np.ones(2, np.float32), np.array([0, 1])).tolist() == [7.0, 2.0]
    with pytest.raises(AssertionError, match="they have 2"):
        problem.gradient(np.ones(3), [0])
