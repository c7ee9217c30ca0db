"""The job that every strategy trains: the same from the same numbers, and a text that is whole."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from labs.gpu_training import text
from labs.gpu_training.workload import Workload, loss_of, weights_of


def test_batches_follow_from_seed_and_step_alone():
    job = Workload(batch=3, seed=1)
    x, y = job.batch_of(2)
    assert x.shape == y.shape == (3, 64)
    assert x.dtype == y.dtype == torch.int64
    assert torch.equal(x[:, 1:], y[:, :-1])
    assert torch.equal(Workload(batch=3, seed=1, steps=9).batch_of(2)[0], x)
    assert not torch.equal(job.batch_of(3)[0], x)
    assert not torch.equal(Workload(batch=3, seed=2).batch_of(2)[0], x)


def test_batches_read_the_text():
    codes, alphabet = text.codes()
    assert (codes.min(), codes.max()) == (0, len(alphabet) - 1)
    x, _ = text.draw_batch(batch=1, context=40, seed=(5,))
    written = "".join(alphabet[code] for code in codes.tolist())
    assert "".join(alphabet[code] for code in x[0].tolist()) in written
    assert written.startswith("First Citizen:\nBefore we proceed")


def test_the_splits_share_an_alphabet_and_no_place():
    train, alphabet = text.codes("train")
    val, other = text.codes("val")
    assert alphabet == other
    assert len(train) > 5 * len(val) > 0


def test_the_loss_is_the_mean_over_all_characters():
    logits = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([[0, 1, 2], [3, 4, 0]])
    by_hand = [
        -functional.log_softmax(logits[row, place], 0)[targets[row, place]]
        for row in range(2)
        for place in range(3)
    ]
    got = loss_of(lambda _: logits, torch.zeros(2, 3, dtype=torch.int64), targets=targets)
    assert float(got) == pytest.approx(float(torch.stack(by_hand).mean()), rel=1e-6)


def test_weights_are_copies():
    model = Workload().model()
    taken = weights_of(model)
    assert set(taken) == {name for name, _ in model.named_parameters()}
    name = next(iter(taken))
    with torch.no_grad():
        dict(model.named_parameters())[name].add_(1)
    assert not np.array_equal(taken[name], weights_of(model)[name])
