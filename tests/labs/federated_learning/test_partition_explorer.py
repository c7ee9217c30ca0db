"""What the widget over partitions shows, also where nothing can be dealt."""

from types import SimpleNamespace

import numpy as np
import pytest

from labs.federated_learning import label_skew, partition_explorer, partitions
from labs.federated_learning.partition_explorer import PartitionExplorer

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 20))


@pytest.mark.parametrize("kind", ["iid", "quantity", "shards", "dirichlet"])
def test_the_title_says_the_skew_of_what_is_drawn(kind):
    asked = {"clients": 8, "seed": 1}
    picture = PartitionExplorer(LABELS, data="ten classes").picture(kind, 0.5, **asked)
    parts = partitions.deal_labels(LABELS, kind, alpha=0.5, **asked)
    assert f"skew {label_skew.skew(LABELS, parts):.2f}, by chance" in picture.alt
    assert ("alpha 0.5" in picture.alt) == (kind == "dirichlet")
    assert f"{min(map(len, parts))} to {max(map(len, parts))} samples" in picture.alt


def test_the_skew_is_the_one_that_is_plugged_in():
    explorer = PartitionExplorer(LABELS, data="x", skew=lambda labels, parts: len(parts) / 10)
    assert "skew 0.40" in explorer.picture("iid", 1.0, clients=4, seed=0).alt


def test_what_cannot_be_dealt_is_said():
    picture = PartitionExplorer(LABELS, data="x").picture("dirichlet", 0.01, clients=30, seed=0)
    assert "no draw in 1000" in picture.alt


def test_the_sliders_begin_at_what_was_asked_for(monkeypatch):
    seen = SimpleNamespace()
    monkeypatch.setattr(
        partition_explorer, "show_with_sliders", lambda draw, **turned: seen.__dict__.update(turned)
    )
    PartitionExplorer(LABELS, data="x", alpha=0.2, clients=99)._ipython_display_()
    assert seen.alpha[1] == 0.2
    assert 0.2 in seen.alpha[2]
    assert seen.clients == ("IntSlider", 30, (2, 30, 1))
    assert seen.partition[2] == ("iid", "quantity", "shards", "dirichlet")
