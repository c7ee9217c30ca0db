"""Bytes alive: against torch's own profiler, by hand, and what a step holds at its stations."""

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from labs.gpu_training.allocations import Allocations, bytes_of, step_memory
from labs.gpu_training.memory_accounts import activation_bytes_of, loss_bytes_of, parameters_of
from labs.gpu_training.workload import Workload, loss_of
from labs.shared.transformer import SIZES

TINY = Workload(size="tiny", batch=4)


def profiled_peak(model, x, y):
    """Return the peak of what torch's allocator gave out, from the events of its profiler."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        loss_of(model, x, targets=y).backward()
    events = profiler.profiler.kineto_results.events()
    events = sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns())
    alive = peak = 0
    for event in events:
        alive += event.nbytes()
        peak = max(peak, alive)
    return peak


def test_the_peak_is_that_of_torchs_allocator():
    model, (x, y) = TINY.model(), TINY.batch_of(0)
    with Allocations() as held:
        loss_of(model, x, targets=y).backward()
    model.zero_grad()
    assert held.peak_bytes == profiled_peak(model, x, y)


def test_views_and_in_place_operations_take_nothing():
    x = torch.zeros(100)
    with Allocations(start_bytes=7) as held:
        x.add_(1).view(10, 10).t()
    assert held.live_bytes == held.peak_bytes == 7


def test_what_is_dropped_is_gone_and_nothing_goes_twice():
    held = Allocations()
    with held:
        first = torch.ones(50)
        second = first[:3]
        del first
        assert held.live_bytes == 200  # the part keeps the whole
        del second
    assert held.live_bytes == 0
    with held:
        again = torch.ones(50)
    assert held.live_bytes == again.nbytes


def test_a_storage_is_counted_once():
    x = torch.zeros(6, dtype=torch.float64)
    assert bytes_of([x, x.view(2, 3), None, 3, torch.zeros(2)]) == 48 + 8


def test_a_step_at_its_stations():
    model, (x, y) = TINY.model(), TINY.batch_of(0)
    held = step_memory(model, TINY.optimizer(model), loss=lambda: loss_of(model, x, targets=y))
    size, parameters = SIZES["tiny"], parameters_of(SIZES["tiny"])
    tensors = len(list(model.parameters()))
    assert held.weights_bytes == 4 * parameters
    assert held.optimizer_bytes == 8 * parameters + 4 * tensors  # and a count of steps each
    states = held.weights_bytes + held.optimizer_bytes
    kept = activation_bytes_of(size, batch=4) + loss_bytes_of(size, batch=4)
    # The batch was there before; the loss and the number of its targets are new.
    assert held.forward_bytes == states + kept - x.nbytes + 8
    assert held.backward_bytes == states + 4 * parameters + 4  # gradients and the loss
    assert held.peak_bytes == max(held.trace) > held.forward_bytes
    assert len(held.trace) > held.ends[1] > held.ends[0] > 0
    assert held.allocator_peak_bytes is None
    assert held.peak().kind == "counted"
    assert held.peak().value == held.peak_bytes


@pytest.mark.gpu
def test_cudas_allocator_gives_a_little_more():
    model = TINY.model().to("cuda")
    x, y = (part.to("cuda") for part in TINY.batch_of(0))
    held = step_memory(model, TINY.optimizer(model), loss=lambda: loss_of(model, x, targets=y))
    assert held.allocator_peak_bytes is not None
    assert held.peak_bytes <= held.allocator_peak_bytes
    assert held.peak().kind == "measured"
