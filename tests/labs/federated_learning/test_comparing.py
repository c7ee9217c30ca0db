from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import stats
from labs.federated_learning import comparing, loop, tasks
from labs.federated_learning.networks import Network
from labs.federated_learning.tasks import Task
from labs.shared import keywords


@pytest.fixture(scope="module")
def task() -> Task:
    """Answer with the largest input: of these 1,200 samples 3 of 4 are then right."""
    x = torch.eye(3).repeat(400, 1)
    y = torch.arange(1200) % 3
    y[::4] = (y[::4] + 1) % 3
    return Task("digits", x[:3], y[:3], x, y, Network(lambda: nn.Linear(3, 3)), 3)


RIGHT = torch.cat([torch.eye(3).reshape(-1), torch.zeros(3)])
ALWAYS_FIRST = torch.cat([torch.zeros(9), torch.tensor([1.0, 0, 0])])


def test_samples_are_judged_one_by_one(task: Task) -> None:
    got = loop.correct(task, RIGHT)
    assert got.tolist() == [number % 4 != 0 for number in range(1200)]


def test_images_have_the_interval_of_wilson(task: Task) -> None:
    got = comparing.top1(task, RIGHT, rng=np.random.default_rng(0))
    want = stats.proportion_interval(900, 1200)
    assert (got.value, got.low, got.high, got.n) == (0.75, want.low, want.high, 1200)


def test_a_gap_is_paired(task: Task) -> None:
    rng = np.random.default_rng(0)
    same = comparing.gap(task, (RIGHT, RIGHT), rng=rng)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    first = loop.correct(task, ALWAYS_FIRST).mean()
    better = comparing.gap(task, (RIGHT, ALWAYS_FIRST), rng=rng)
    assert better.value == pytest.approx(0.75 - first)
    assert 0 < better.low < better.value < better.high


def test_speech_resamples_speakers() -> None:
    task = tasks.load("keywords_synthetic")
    speakers = comparing.owners_of_test(task)
    assert speakers == keywords.load_clips("keywords_synthetic", "test").speakers.tolist()
    few = replace(task, x_test=task.x_test[:0], y_test=task.y_test)
    assert len(comparing.owners_of_test(few) or ()) == len(task.y_test)
    got = comparing.top1(task, task.network.initial(0), rng=np.random.default_rng(0))
    wilson = stats.proportion_interval(round(got.value * len(task.y_test)), len(task.y_test))
    assert got.low <= got.value <= got.high
    assert (got.low, got.high) != (wilson.low, wilson.high)


def test_a_gap_of_speech_resamples_speakers() -> None:
    task = tasks.load("keywords_synthetic")
    pair = (task.network.initial(0), task.network.initial(1))
    got = comparing.gap(task, pair, rng=np.random.default_rng(0))
    first, second = (loop.correct(task, each).astype(float) for each in pair)
    speakers, rng = comparing.owners_of_test(task), np.random.default_rng(0)
    want = stats.paired_difference(first, second, rng=rng, clusters=speakers).result()
    assert got == want
    alone = stats.paired_difference(first, second, rng=np.random.default_rng(0)).result()
    assert (got.low, got.high) != (alone.low, alone.high)
