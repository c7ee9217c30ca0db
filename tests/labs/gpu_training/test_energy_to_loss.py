"""Runs with a meter beside them, and energy over many ranks by the model."""

import pytest

from labs.gpu_training import energy_to_loss, text
from labs.gpu_training.counting.jobs import Job
from labs.gpu_training.strategies import single
from labs.gpu_training.workload import Workload, loss_of
from labs.shared.transformer import SIZES


@pytest.fixture(scope="module")
def run():
    return energy_to_loss.train(Workload(batch=4, steps=9, learning_rate=3e-3), every=3)


def test_each_look_has_a_loss_and_an_energy(run):
    assert (len(run.losses), len(run.energies_j), run.every) == (3, 3, 3)
    assert all(energy > 0 for energy in run.energies_j)
    assert run.losses[-1] < run.losses[0]


def test_looking_changes_nothing_of_the_training(run):
    workload = Workload(batch=4, steps=9, learning_rate=3e-3)
    model = workload.model()
    weights = single.train(workload)["weights"]
    for name, parameter in model.named_parameters():
        parameter.data.copy_(parameter.data.new_tensor(weights[name]))
    watched = text.draw_batch(batch=energy_to_loss.EVALUATED, context=64, seed=(0,), split="val")
    # The same steps in the same order on one machine: equal bits where the run was on the CPU;
    # the kernels of a GPU round otherwise.
    assert run.losses[-1] == pytest.approx(
        float(loss_of(model, watched[0], targets=watched[1]).detach()), abs=1e-4
    )


def test_an_energy_carries_the_error_of_its_source(run):
    result = run.result(2.0)
    assert result.kind == run.tier
    assert result.high == pytest.approx(2.0 * (1 + run.error))


def test_the_curve_averages_the_last_looks(run):
    (first, mean), (second, _) = energy_to_loss.curve(run, 2)
    assert (first, second) == (6, 9)
    assert mean.value == pytest.approx((run.losses[0] + run.losses[1]) / 2)


def test_steps_that_do_not_end_with_a_look_are_refused():
    with pytest.raises(ValueError, match="steps is 7; give a multiple of every, which is 5"):
        energy_to_loss.train(Workload(steps=7))


def test_more_ranks_never_take_less_energy_and_some_take_more():
    found = energy_to_loss.ratios(SIZES["large"], sequences=1024, ranks=(8, 16, 64, 256, 1024))
    values = [ratio.value for _, ratio in found]
    assert values == sorted(values)
    assert values[0] == 1.0
    assert energy_to_loss.rises_at(found) in (64, 256, 1024)
    assert energy_to_loss.rises_at(found[:1]) is None


def test_sequences_that_cannot_be_shared_are_refused():
    with pytest.raises(ValueError, match="at_ranks is 3; give a number that divides the 16"):
        energy_to_loss.energy_ratio(Job("ddp", SIZES["tiny"], 8, batch=2), at_ranks=3)
