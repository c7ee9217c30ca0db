"""Activations computed twice: the books, the bound for any chain, and the same gradients."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils import plots
from course_utils.records import counted
from labs.gpu_training import recomputation, recomputation_pictures
from labs.gpu_training.given import backward_in_segments
from labs.gpu_training.recomputation import Ledger
from labs.gpu_training.workload import Workload

WORK = Workload(size="tiny", batch=2)
CHAINS = st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n)))


@given(chain=CHAINS)
def test_any_chain_stays_within_the_bound(chain):
    layers, segments = chain
    ledger = Ledger(layers)
    backward_in_segments(
        layers, segments, forward=ledger.forward, backward=ledger.backward, free=ledger.free
    )
    assert ledger.backwards == list(reversed(range(layers)))
    assert max(ledger.forwards.values()) <= 2
    assert max(ledger.trace) <= segments + math.ceil(layers / segments) + 1
    assert ledger.held == {0}


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ([("forward", 1)], r"forward\(1\) needs activation 1, which is not held; held are \[0\]"),
        ([("forward", 2)], r"forward\(2\); the layers are 0 to 1"),
        ([("backward", 0)], r"backward\(0\) out of turn; the next is backward\(1\)"),
        ([("forward", 0), ("backward", 1)], "before the forward pass has come to its end"),
        ([("free", 1)], r"free\(1\), which is not held; held are \[0\]"),
        ([("free", 0), ("forward", 0)], r"needs activation 0, which is not held; held are \[\]"),
    ],
)
def test_the_ledger_refuses(calls, said):
    ledger = Ledger(2)
    *before, (name, number) = calls
    for each, at in before:
        getattr(ledger, each)(at)
    with pytest.raises(ValueError, match=said):
        getattr(ledger, name)(number)


@pytest.mark.parametrize("segments", [1, 2, 3])
def test_checkpoints_change_no_gradient(segments):
    model = recomputation.deep("tiny", layers=3, seed=1)
    found = []
    for each in (0, segments):
        loss = recomputation.checkpointed(model, WORK.batch_of(0), segments=each)
        found.append([loss, *torch.autograd.grad(loss, list(model.parameters()))])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_one_segment_saves_nothing_and_more_save_more():
    model = recomputation.deep("tiny", layers=6)
    batch = WORK.batch_of(0)
    ways = (0, 1, 2, 3, 6)
    peaks = [recomputation.peak_bytes(model, batch, segments=way) for way in ways]
    assert peaks[1] >= peaks[0]
    assert peaks[1:] == sorted(set(peaks[1:]), reverse=True)
    assert all(p.grad is None for p in model.parameters())


def test_dropout_is_replayed_or_the_gradient_is_another():
    noisy = recomputation.deep("tiny", layers=2, dropout=0.2)
    gaps = [
        recomputation.gradient_gap(noisy, WORK.batch_of(0), preserve_rng_state=kept, seed=5)
        for kept in (True, False)
    ]
    assert gaps[0] == 0
    assert gaps[1] > 1e-3


def test_depth_and_weights_of_the_deep_network():
    one, two = (recomputation.deep("tiny", layers=5, seed=2) for _ in range(2))
    assert len(one.blocks) == 5
    assert torch.equal(one.head.weight, two.head.weight)


def test_pictures_draw_what_they_are_given():
    figure, axes = plots.new_figure(wide=True)
    traces = {"one": [2, 3, 1], "two": [2, 2]}
    rows = recomputation_pictures.held_over_calls(axes, traces, title="Few are held")
    assert [(row["name"], row["call"], row["held"]) for row in rows] == [
        ("one", 1, 2),
        ("one", 2, 3),
        ("one", 3, 1),
        ("two", 1, 2),
        ("two", 2, 2),
    ]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("calls done [1]", "held [activations]")
    assert axes.get_xlim()[0] == axes.get_ylim()[0] == 0
    assert plots.show(figure, alt="held").png
    figure, axes = plots.new_figure(wide=True)
    curves = {"memory": [(1, counted(1.0)), (4, counted(0.4))]}
    rows = recomputation_pictures.saved_and_paid(axes, curves, title="It is saved")
    assert [(row["segments"], row["share"]) for row in rows] == [(1, 1.0), (4, 0.4)]
    assert axes.get_ylim()[0] == 0
    assert (axes.get_xscale(), axes.get_xlabel()) == ("log", "segments [1] (log)")
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "4"]
    assert plots.show(figure, alt="saved").png
