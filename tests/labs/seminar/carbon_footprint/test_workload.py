"""The reader's own run: it learns, it is repeatable, and it leaves the global state alone."""

import numpy as np
import pytest
import torch

from course_utils.data import DataSplit, load
from course_utils.records import Result
from labs.seminar.carbon_footprint import workload


@pytest.fixture(scope="module")
def digits() -> DataSplit:
    return load("digits", split="train")


def test_training_learns_and_is_repeatable(digits: DataSplit) -> None:
    before = torch.random.get_rng_state()
    first, second = (workload.train(digits, epochs=3, seed=1) for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    for one, two in zip(first.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(one, two)
    right, n = workload.top1(first.model, digits)
    untrained, _ = workload.top1(workload.network(seed=1), digits)
    assert n == len(digits.y)
    assert right > 0.8 * n > untrained
    assert first.duration_s > 0


def test_a_prediction_is_that_of_the_network(digits: DataSplit) -> None:
    model = workload.network(seed=2)
    image = np.ascontiguousarray(digits.x[:1])
    scores = workload.predictor(model, image)()
    assert isinstance(scores, torch.Tensor)
    assert torch.equal(scores, model(torch.from_numpy(image)).detach())


def test_power_times_time_is_the_energy() -> None:
    energy_j = Result(10.0, 6.0, 14.0, n=6, kind="modelled")
    low, high = workload.assumed_machine(energy_j, 0.7)["busy_w"]
    assert (low * 0.7, high * 0.7) == pytest.approx((6, 14), rel=1e-12)


def test_devices_and_epochs_that_do_not_exist_are_named(digits: DataSplit) -> None:
    with pytest.raises(ValueError, match="device is 'tpu'; give auto, cpu or cuda"):
        workload.choose_device("tpu")
    with pytest.raises(ValueError, match="epochs is 0; give at least 1"):
        workload.train(digits, epochs=0)
    assert workload.choose_device("auto") in ("cpu", "cuda")


@pytest.mark.gpu
def test_the_same_run_on_a_gpu(digits: DataSplit) -> None:
    trained = workload.train(digits, epochs=3, device="cuda")
    right, n = workload.top1(trained.model, digits, device="cuda")
    assert right > 0.8 * n
