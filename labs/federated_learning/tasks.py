"""What a federation learns: samples with owners, a test set that nobody trains on, and a network.

Images have no owner; recordings belong to the person who speaks. How samples without owners are
dealt to clients is decided in `labs.federated_learning.partitions`.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_utils import data
from labs.federated_learning.networks import Network, image_network, keyword_network
from labs.shared import keywords

IMAGES = ("digits", "mnist")
SPEECH = ("keywords_synthetic", "speech_commands")
DATASETS = (*IMAGES, *SPEECH)
NOBODY = ""  # the owner of a sample that is nobody's


@dataclass(frozen=True, eq=False)
class Task:
    """Data and network of a federation.

    Parameters
    ----------
    name
        The data set.
    x, y
        Training samples, (n, ...) float32, and their classes, (n,) int64.
    x_test, y_test
        The same of people or images that no client has.
    owners
        (n,), text: whose sample it is, empty where it is nobody's, as silence is; None where no
        sample has an owner.
    network
        What is trained.
    classes
        Number of classes.
    """

    name: str
    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor
    network: Network
    classes: int
    owners: NDArray[np.str_] | None = None

    def __repr__(self) -> str:
        return f"{self.name}: {len(self.y):,} samples to train, {len(self.y_test):,} to test"


def load(dataset: str) -> Task:
    """Return the task of a data set, with a network that is normalised by groups.

    Parameters
    ----------
    dataset
        A name in `DATASETS`.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    if dataset in IMAGES:
        return _images(dataset)
    if dataset in SPEECH:
        return _speech(dataset)
    raise ValueError(f"dataset is {dataset!r}; give one of {', '.join(DATASETS)}")


def _images(dataset: str) -> Task:
    x, y, x_test, y_test = (
        part
        for split in ("train", "test")
        for loaded in [data.load(dataset, split=split)]
        for part in (
            torch.from_numpy(np.asarray(loaded.x, np.float32)),
            torch.from_numpy(np.asarray(loaded.y)).long(),
        )
    )
    network = image_network(tuple(x.shape[1:]), classes=10)
    return Task(dataset, x, y, x_test, y_test, network, 10)


def _speech(dataset: str) -> Task:
    train, test = (keywords.load_clips(dataset, split) for split in ("train", "test"))
    classes = len(keywords.CLASSES)
    network = keyword_network(classes=classes)
    return Task(
        dataset,
        train.features(),
        train.labels,
        test.features(),
        test.labels,
        network,
        classes,
        owners=owners_of(train),
    )


def owners_of(clips: keywords.Clips) -> NDArray[np.str_]:
    """Return who speaks each clip, (n,); a clip of silence is nobody's."""
    silent = clips.labels.numpy() == keywords.SILENCE
    return np.asarray(np.where(silent, NOBODY, clips.speakers))
