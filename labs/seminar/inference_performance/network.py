"""A small network for 8x8 digits, trained here, and its layers as plain arrays.

Two 3x3 convolutions, each followed by ReLU and 2x2 max pooling, and one linear layer. As arrays
every layer is a matrix: a convolution multiplies it with the patch around each place. It rounds,
compiles and measures nothing.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES, WIDTH, SIDE = 10, 8, 8
PIXELS = SIDE * SIDE
LARGEST_PIXEL = 16
Digits = tuple[Tensor, Tensor]
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Layer:
    """Weights and biases of a layer.

    Parameters
    ----------
    weights
        (outputs, inputs), float32; inputs of a convolution by channel, row and column of the patch.
    biases
        (outputs,), float32.
    """

    weights: npt.NDArray[np.float32]
    biases: npt.NDArray[np.float32]


def untrained(seed: int) -> nn.Sequential:
    """Return the network before training; the global random state stays as it was.

    Parameters
    ----------
    seed
        Of the first weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(WIDTH, 2 * WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(8 * WIDTH, CLASSES),
        )


def trained(digits: Digits, *, epochs: int, seed: int) -> nn.Sequential:
    """Return the network trained with Adam on batches of 64.

    Parameters
    ----------
    digits
        Pictures (n, 1, 8, 8), float32 in [0, 1], and labels (n,), int64.
    epochs
        Passes over the digits, >= 1.
    seed
        Of the first weights and of the order of the digits.

    Raises
    ------
    ValueError
        If `epochs` is below 1, naming it.
    """
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}; give at least 1")
    model, (images, labels) = untrained(seed), digits
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(epochs):
        for batch in torch.split(torch.randperm(len(labels), generator=generator), 64):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(images[batch]), labels[batch])
            loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no type
            optimizer.step()
    return model.eval()


@torch.no_grad()
def logits_of(model: nn.Module, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the scores (n, classes) of pictures (n, 1, 8, 8), computed by PyTorch."""
    found: npt.NDArray[np.float32] = model(torch.from_numpy(images)).numpy()
    return found


@torch.no_grad()
def is_right(model: nn.Module, digits: Digits) -> npt.NDArray[np.bool_]:
    """Return for each digit whether the highest score is its label.

    Parameters
    ----------
    model
        Left as it was.
    digits
        Pictures and labels.
    """
    right: npt.NDArray[np.bool_] = (model(digits[0]).argmax(1) == digits[1]).numpy()
    return right


def pixels_of(images: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Return pictures of numbers in [0, 1] as pixels (n, 64), whole numbers from 0 to 16.

    Parameters
    ----------
    images
        (n, 1, 8, 8), sixteenths.

    Raises
    ------
    ValueError
        If a number is no sixteenth from 0 to 1: it would be rounded.
    """
    scaled = np.asarray(images, dtype=np.float64).reshape(-1, PIXELS) * LARGEST_PIXEL
    if not ((scaled == np.floor(scaled)) & (scaled >= 0) & (scaled <= LARGEST_PIXEL)).all():
        raise ValueError("a picture has a number that is no sixteenth from 0 to 1")
    return scaled.astype(np.uint8)


@torch.no_grad()
def layers_of(model: nn.Sequential) -> tuple[Layer, Layer, Layer]:
    """Return the two convolutions and the linear layer of the network as arrays."""
    found = [
        Layer(part.weight.flatten(1).numpy().copy(), part.bias.numpy().copy())
        for part in model
        if isinstance(part, nn.Conv2d | nn.Linear) and part.bias is not None
    ]
    first, second, last = found
    return first, second, last


def patches(images: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Return the 3x3 patch around each place, zeros beyond the border.

    Parameters
    ----------
    images
        (n, channels, height, width).

    Returns
    -------
    ndarray
        (n, height * width, channels * 9).

    Examples
    --------
    >>> patches(np.arange(1, 5).reshape(1, 1, 2, 2))[0, 0].reshape(3, 3).tolist()
    [[0, 0, 0], [0, 1, 2], [0, 3, 4]]
    """
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    count, channels, height, width = images.shape
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(count, height * width, 9 * channels)


def as_images(places: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return outputs (n, places, channels) of a square as pictures (n, channels, side, side)."""
    count, size, channels = places.shape
    side = round(size**0.5)
    return places.transpose(0, 2, 1).reshape(count, channels, side, side)


def pooled(images: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Return the largest number of every 2x2 square of pictures (n, channels, height, width)."""
    count, channels, height, width = images.shape
    squares = images.reshape(count, channels, height // 2, 2, width // 2, 2)
    return np.asarray(squares.max(axis=(3, 5)))
