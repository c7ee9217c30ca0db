"""The network of this lab: two convolutions and a linear layer for 8x8 digits, and its training.

It is plain PyTorch with nothing hidden: read it before you count it. It measures nothing and draws
nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES = 10


class DigitsNet(nn.Module):
    """Two 3x3 convolutions, each followed by ReLU and 2x2 max pooling, and one linear layer.

    Parameters
    ----------
    width
        Channels of the first convolution; the second has twice as many. >= 1.
    seed
        Seed of the first weights; the global random state of torch is left as it was.

    Raises
    ------
    ValueError
        If `width` is below 1, naming it.

    Examples
    --------
    >>> DigitsNet(width=8)(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 10])
    """

    def __init__(self, *, width: int = 8, seed: int = 0) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"width is {width}; give at least 1")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.conv1 = nn.Conv2d(1, width, 3, padding=1)
            self.conv2 = nn.Conv2d(width, 2 * width, 3, padding=1)
            self.linear = nn.Linear(2 * width * 2 * 2, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Return one score a class.

        Parameters
        ----------
        x
            (batch, 1, 8, 8), float32, in [0, 1].
        """
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        return self.linear(x.flatten(1))  # type: ignore[no-any-return]  # a module returns Any


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data.

    Parameters
    ----------
    number
        Counted from 1.
    loss
        Mean cross-entropy over the batches.
    correct, n
        Digits to watch that were right afterwards, and all of them.
    """

    number: int
    loss: float
    correct: int
    n: int


def train(
    model: DigitsNet,
    digits: tuple[Tensor, Tensor],
    *,
    watch: tuple[Tensor, Tensor],
    epochs: int,
    learning_rate: float = 0.01,
    seed: int = 0,
) -> Iterator[Epoch]:
    """Train a network in place with Adam on batches of 64, and tell after every epoch how it goes.

    Parameters
    ----------
    model
        Changed in place.
    digits, watch
        Pictures (n, 1, 8, 8), float32, and labels (n,), int64: those to learn from, and those to
        watch the accuracy on.
    epochs
        Passes over the training data, >= 1.
    learning_rate
        Step size of Adam, falling to 0 along a cosine.
    seed
        Seed of the order of the digits.

    Raises
    ------
    ValueError
        If `epochs` is below 1, naming it.

    Yields
    ------
    Epoch
        Loss, and right answers on the digits to watch.
    """
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}; give at least 1")
    images, labels = digits
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for number in range(1, epochs + 1):
        losses = []
        for batch in torch.split(torch.randperm(len(labels), generator=generator), 64):
            loss = functional.cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no type
            optimizer.step()
            losses.append(loss.item())
        schedule.step()
        right = is_right(model, watch)
        yield Epoch(number, sum(losses) / len(losses), int(right.sum()), len(right))


@torch.no_grad()
def is_right(model: nn.Module, digits: tuple[Tensor, Tensor]) -> Tensor:
    """Return for each picture whether the network's highest score is its label.

    Parameters
    ----------
    model
        Left as it was.
    digits
        Pictures (n, 1, 8, 8), float32, and labels (n,), int64.

    Returns
    -------
    Tensor
        (n,), bool.
    """
    images, labels = digits
    return model(images).argmax(1) == labels  # type: ignore[no-any-return]  # a module returns Any
