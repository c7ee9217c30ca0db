"""What a federation learns: shapes, classes, and whose samples they are."""

import numpy as np
import pytest
import torch

from labs.federated_learning import limits, tasks
from labs.shared import keywords


def test_digits_are_small_images_without_owners():
    task = tasks.load("digits")
    assert task.x.dtype == torch.float32
    assert task.y.dtype == torch.int64
    assert len(task.x) == len(task.y)
    assert task.owners is None
    assert set(task.y.tolist()) == set(task.y_test.tolist()) == set(range(task.classes))
    logits = task.network(task.network.initial(0), task.x[:3])
    assert logits.shape == (3, 10)
    assert repr(task) == f"digits: {len(task.y):,} samples to train, {len(task.y_test):,} to test"


def test_no_image_is_in_both_splits():
    task = tasks.load("digits")
    train, test = ({row.numpy().tobytes() for row in part} for part in (task.x, task.x_test))
    assert not train & test


def test_silence_is_nobodys_and_words_belong_to_their_speakers():
    clips = keywords.load_clips("keywords_synthetic", "val")
    owners = tasks.owners_of(clips)
    silent = (clips.labels == keywords.SILENCE).numpy()
    assert silent.any()
    assert ((owners == tasks.NOBODY) == silent).all()
    assert np.array_equal(owners[~silent], clips.speakers[~silent])


def test_another_name_is_refused():
    with pytest.raises(ValueError, match="dataset is 'cifar'; give one of digits, mnist"):
        tasks.load("cifar")


def test_the_parameter_offers_what_can_be_loaded():
    assert limits.CHOICES["dataset"] == tasks.DATASETS
