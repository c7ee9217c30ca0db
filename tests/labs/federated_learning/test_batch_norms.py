"""BatchNorm in a federation: what averages are, what stays local, and what one class breaks."""

import numpy as np
import pytest
import torch
from torch import nn

from labs.federated_learning import batch_norms
from labs.federated_learning.networks import Network
from labs.federated_learning.tasks import Task


def small_task() -> Task:
    generator = torch.Generator().manual_seed(1)
    y = torch.arange(240) % 4
    centres = 2 * torch.eye(4, 8)
    x = centres[y] + 0.3 * torch.randn(240, 8, generator=generator)
    network = Network(lambda: nn.Linear(8, 4))
    return Task("drawn", x[:200], y[:200], x[200:], y[200:], network, 4)


def test_average_is_weighted_and_keeps_types() -> None:
    one = {"w": torch.tensor([1.0, 2.0]), "count": torch.tensor(4)}
    two = {"w": torch.tensor([5.0, 2.0]), "count": torch.tensor(8)}
    mean = batch_norms.average([one, two], [3, 1])
    assert mean["w"].tolist() == [2.0, 2.0]
    assert mean["count"].dtype == torch.int64


def test_variance_of_all_is_no_average() -> None:
    # Two clients with 0, 0 and 10, 10: variances 0 and 0, together 25.
    states = [{"var": torch.tensor(float(np.var(x)))} for x in ([0, 0], [10, 10])]
    assert batch_norms.average(states, [2, 2])["var"].item() == 0
    assert np.var([0, 0, 10, 10]) == 25


def test_one_class_a_client_breaks_batches_alone() -> None:
    task = small_task()
    order = np.argsort(task.y.numpy(), kind="stable")
    work = batch_norms.Work(rounds=6)
    found = {
        kind: batch_norms.accuracy(task, np.array_split(order, 4), kind=kind, work=work, seed=0)
        for kind in batch_norms.KINDS
    }
    assert found["group"] > 0.9
    assert max(found["averaged"], found["local"]) < found["group"] - 0.2


def test_seed_decides_and_a_rest_of_one_is_left_out() -> None:
    task, parts = small_task(), [np.arange(17), np.arange(17, 60)]
    work = batch_norms.Work(rounds=1, batch=16)
    one, two = (
        batch_norms.accuracy(task, parts, kind="averaged", work=work, seed=2) for _ in range(2)
    )
    assert one == two


def test_rows_name_what_was_dealt() -> None:
    rows = batch_norms.compare(small_task(), rounds=1, seeds=[0])
    assert len(rows) == 3
    assert set(rows[0]) == {"normalised by", "even [%], by seed", "by class [%], by seed"}


def test_a_kind_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"^normalisation is 'layer'; give one of group"):
        batch_norms.network(4, classes=2, kind="layer", seed=0)
