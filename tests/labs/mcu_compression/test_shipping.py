"""Versions compared on the same clips, and the one that a budget leaves."""

import numpy as np
import pytest
import torch

from labs.mcu_compression import shipping
from labs.shared.keywords import Clips

CLIPS = 120


@pytest.fixture(scope="module")
def clips():
    return Clips(
        samples=torch.zeros(CLIPS, 1),
        labels=torch.arange(CLIPS) % 10,
        speakers=np.array([f"s{i % 24}" for i in range(CLIPS)]),
        words=np.array(["on"] * CLIPS),
        name="made_up",
        split="val",
        source="this test",
    )


def version(name, size_bytes, wrong):
    """Return a version that has the first `wrong` clips wrong."""
    return shipping.Version(name, torch.nn.Identity(), size_bytes, 10, np.arange(CLIPS) >= wrong)


@pytest.fixture(scope="module")
def versions():
    return [version("float32", 4000, 6), version("int8", 1000, 6), version("2 bit", 250, 90)]


@pytest.fixture(scope="module")
def compared(clips, versions):
    return shipping.compare(versions, clips, rng=np.random.default_rng(0), resamples=500)


def test_losses_and_verdicts(compared):
    assert [c.loss.value for c in compared] == [0.0, 0.0, pytest.approx(84 / CLIPS)]
    assert [c.is_different for c in compared] == [False, False, True]
    assert [c.size.value for c in compared] == [4000, 1000, 250]
    assert compared[0].top1.value == pytest.approx(114 / CLIPS)
    assert compared[0].top1.n == 24  # speakers, not clips


def test_p_values_are_raised_by_their_number(clips, versions):
    both = shipping.compare(versions, clips, rng=np.random.default_rng(0), resamples=500)
    alone = shipping.compare(
        [versions[0], versions[2]], clips, rng=np.random.default_rng(0), resamples=500
    )
    assert alone[1].p_value == pytest.approx(1 / 501)
    assert both[2].p_value == pytest.approx(2 / 501)


def test_what_is_said_of_each(compared):
    assert repr(compared[0]).endswith("the others are compared with it")
    assert repr(compared[1]).endswith("cannot be told apart")
    assert repr(compared[2]).endswith("worse")
    first, second, third = shipping.table(compared).rows
    assert (first["loses"], first["p"], second["p"]) == ("", "", "1")
    assert third["verdict"] == "worse"


def test_one_version_alone_is_compared_with_nothing(clips, versions):
    (only,) = shipping.compare(versions[:1], clips, rng=np.random.default_rng(0), resamples=500)
    assert only.is_first


def test_other_clips_are_refused(clips, versions):
    odd = shipping.Version("odd", torch.nn.Identity(), 1, 1, np.ones(3, dtype=bool))
    with pytest.raises(ValueError, match="odd has 3 answers for 120 clips"):
        shipping.compare([*versions, odd], clips, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("flash_bytes", "most_loss", "left"),
    [
        (5000, 0.05, ["float32", "int8"]),
        (1000, 0.05, ["int8"]),
        (999, 0.05, []),
        (999, 1.0, ["2 bit"]),
    ],
)
def test_what_a_budget_leaves(compared, flash_bytes, most_loss, left):
    got = shipping.affordable(compared, flash_bytes=flash_bytes, most_loss=most_loss)
    assert [c.name for c in got] == left


def test_the_upper_end_of_the_loss_counts(compared):
    loss = compared[2].loss
    most_loss = (loss.value + loss.high) / 2
    assert shipping.affordable(compared[2:], flash_bytes=1e6, most_loss=most_loss) == []


@pytest.mark.parametrize(
    ("name", "flash_bytes", "decided"),
    [(None, 2000, "int8"), (None, 500, "2 bit"), (None, 10, "2 bit"), ("float32", 10, "float32")],
)
def test_the_decision(versions, compared, name, flash_bytes, decided):
    got = shipping.decide(versions, compared, name=name, flash_bytes=flash_bytes, most_loss=0.05)
    assert got.name == decided


def test_a_version_that_there_is_not(versions, compared):
    with pytest.raises(ValueError, match="no version is called 'int9'; there is float32, int8"):
        shipping.decide(versions, compared, name="int9", flash_bytes=1, most_loss=1)
