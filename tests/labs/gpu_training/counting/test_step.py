"""One step on one rank, counted in this process against sums done by hand."""

import pytest
import torch

from labs.gpu_training.counting import formulas, step
from labs.gpu_training.counting.jobs import Job
from labs.shared.transformer import Size

SMALL = Size(layers=1, width=8, heads=2, context=4)

pytestmark = pytest.mark.usefixtures("one_rank")


def test_another_number_of_ranks_is_refused():
    with pytest.raises(ValueError, match="the job has 8 ranks and the process group 1"):
        step.prepare(Job("ddp", SMALL, 8))


def test_a_network_is_prepared_without_memory():
    model = step.prepare(Job("ddp", SMALL, 1))
    assert all(parameter.is_meta for parameter in model.parameters())


@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_a_rank_alone_holds_four_copies_of_its_weights(strategy):
    job = Job(strategy, SMALL, 1, batch=2)
    model = step.prepare(job)
    numbers = sum(parameter.numel() for parameter in model.parameters())
    counted = step.count_step(model, job)
    assert counted.parameter_bytes == counted.gradient_bytes == 4 * numbers
    assert counted.optimizer_bytes == 8 * numbers
    assert counted.flops == formulas.flops(job)


def test_a_storage_kept_twice_counts_once_and_weights_never():
    weight = torch.nn.Parameter(torch.ones(3))
    x = torch.ones(5, 3, requires_grad=True)
    kept: dict[int, int] = {}
    with step._activations(kept):
        hidden = x * weight  # keeps x, and the weight that does not count
        hidden = hidden * hidden  # keeps the first product, twice
    assert hidden.shape == (5, 3)
    assert sorted(kept.values()) == [60]  # x is a leaf with a gradient: not an activation
