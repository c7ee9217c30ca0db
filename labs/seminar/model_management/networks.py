"""The networks that the lab saves, by name, and the layer that a fine-tuning replaces.

Three come from torchvision with 1,000 classes and random weights: what a saver costs depends on
shapes and on which layers change, not on the values. The fourth is small enough to be trained many
times. Accuracy is no subject here.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from course_utils import data

HEADS = {
    "resnet18": "fc",
    "resnet50": "fc",
    "mobilenet_v2": "classifier.1",
    "digits": "head",
}


class DigitsNet(nn.Module):
    """Two hidden layers with batch normalisation, and a head, for digits of 8 x 8.

    Parameters
    ----------
    width
        Units of a hidden layer, >= 1.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs in (64, width):
            layers += [nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the scores of each class.

        Parameters
        ----------
        images
            (n, 1, 8, 8), float32.
        """
        scores: torch.Tensor = self.head(self.body(images.flatten(1)))
        return scores


def build(name: str, *, seed: int, width: int = 128) -> nn.Module:
    """Return a network with random weights; the global random state stays as it is.

    Parameters
    ----------
    name
        A key of `HEADS`.
    seed
        Of the weights.
    width
        Of ``digits``; the others have one size.

    Raises
    ------
    ValueError
        If there is no network of this name.
    """
    if name not in HEADS:
        raise ValueError(f"network is {name!r}; this lab knows {', '.join(HEADS)}")
    make: Callable[[], nn.Module] = partial(DigitsNet, width)
    if name != "digits":
        make = partial(getattr(data.import_torchvision().models, name), weights=None)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def new_head(model: nn.Module, name: str, *, seed: int) -> nn.Module:
    """Give a network new weights in its last layer alone, in place, and return it.

    Parameters
    ----------
    model
        What `build` gave.
    name
        A key of `HEADS`.
    seed
        Of the new weights.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.get_submodule(HEADS[name]).parameters():
            parameter.uniform_(-0.05, 0.05, generator=generator)
    return model
