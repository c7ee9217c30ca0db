"""A batch in pieces: the same gradients in float64, a bound in float32, and a lower peak."""

import numpy as np
import pytest
import torch

from labs.gpu_training import accumulation
from labs.gpu_training.given import accumulated_gradients
from labs.gpu_training.workload import Workload

WORK = Workload(size="tiny", batch=6)


def padded():
    x, y = WORK.batch_of(0)
    return x, accumulation.with_padding(y, np.random.default_rng(3))


@pytest.mark.parametrize("size", [1, 4, 6, 50])
def test_pieces_give_the_gradients_of_the_whole(size):
    x, y = padded()
    model = WORK.model().double()
    loss = accumulation.mean_loss(model, (x, y))
    whole = [g.numpy() for g in torch.autograd.grad(loss, list(model.parameters()))]
    mean = accumulation.backward_in_pieces(model, (x, y), size=size)
    summed = [p.grad.numpy() for p in model.parameters()]
    assert mean == pytest.approx(loss.item(), rel=1e-12)
    assert accumulation.relative_difference(summed, whole) < 1e-12


def test_float32_is_within_its_rounding_and_a_mean_of_means_is_not():
    x, y = padded()
    gradient_of = accumulation.gradient_function(WORK.model())
    batch = (x.numpy(), y.numpy())
    _, whole = gradient_of(*batch)
    _, summed = accumulated_gradients(gradient_of, batch, size=2)
    bound = accumulation.rounding_bound(int((y != accumulation.IGNORED).sum()), 3)
    assert accumulation.relative_difference(summed, whole) < bound
    parts = [gradient_of(x[at : at + 2], y[at : at + 2])[1] for at in (0, 2, 4)]
    naive = [np.mean(each, axis=0) for each in zip(*parts, strict=True)]
    assert accumulation.relative_difference(naive, whole) > 100 * bound


def test_the_function_leaves_a_network_as_it_was():
    model = WORK.model()
    before = [p.detach().clone() for p in model.parameters()]
    loss, gradients = accumulation.gradient_function(model)(*padded())
    assert np.isfinite(loss)
    assert [g.shape for g in gradients] == [tuple(p.shape) for p in model.parameters()]
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_no_target_that_counts_has_no_mean():
    x, y = WORK.batch_of(0)
    loss = accumulation.mean_loss(WORK.model(), (x, torch.full_like(y, accumulation.IGNORED)))
    assert bool(torch.isnan(loss))


def test_padding_ignores_ends_and_leaves_one_at_least():
    x, y = padded()
    counts = (y != accumulation.IGNORED).sum(1)
    assert int(counts.min()) >= 1
    for row, count, targets in zip(y, counts, WORK.batch_of(0)[1], strict=True):
        assert torch.equal(row[:count], targets[:count])
        assert bool((row[count:] == accumulation.IGNORED).all())
    assert x.shape == y.shape


def test_smaller_pieces_hold_less():
    x, y = WORK.batch_of(0)
    model = WORK.model()
    peaks = [accumulation.peak_bytes(model, (x, y), size=size) for size in (1, 2, 3, 6)]
    assert peaks == sorted(set(peaks))
    assert all(p.grad is None for p in model.parameters())
