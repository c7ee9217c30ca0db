"""The reader's own run: a small network that learns digits, and what is assumed of the machine.

It meters nothing itself: `course_utils.energy` runs it as often as it needs. On a GPU the same code
runs there, and the meter counts processor and GPU.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from course_utils import records, timing
from course_utils.data import DataSplit

# Of the reader's machine nothing is known: all three are assumed.
IDLE_W, EMBODIED_KG, LIFETIME_Y = (2.0, 10.0), (150.0, 350.0), (3.0, 6.0)


def choose_device(name: str) -> str:
    """Return the device to run on.

    Parameters
    ----------
    name
        ``auto`` for a GPU where there is one, else ``cpu`` or ``cuda``.

    Raises
    ------
    ValueError
        If it is none of them, or ``cuda`` where there is no GPU.

    Examples
    --------
    >>> choose_device("cpu")
    'cpu'
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device is {name!r}; give auto, cpu or cuda")
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is cuda, but there is no GPU; give auto or cpu")
    return name


@dataclass(frozen=True)
class Trained:
    """A trained network and what training it took.

    Parameters
    ----------
    model
        64 pixels to 10 scores, on the device that trained it.
    duration_s
        Wall time of the training alone [s].
    """

    model: nn.Module
    duration_s: float


def network(*, width: int = 128, seed: int = 0) -> nn.Sequential:
    """Return an untrained network with one hidden layer; the global random state stays as it was.

    Parameters
    ----------
    width
        Units of the hidden layer.
    seed
        Of the first weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))


def train(digits: DataSplit, *, epochs: int, device: str = "cpu", seed: int = 0) -> Trained:
    """Train the network with Adam on batches of 64.

    Parameters
    ----------
    digits
        With images x (n, 1, 8, 8) and labels y (n,).
    epochs
        Passes over the digits, >= 1.
    device
        ``cpu`` or ``cuda``.
    seed
        Of the first weights and of the order of the digits.

    Raises
    ------
    ValueError
        If `epochs` is below 1.
    """
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}; give at least 1")
    images = torch.from_numpy(digits.x).to(device)
    labels = torch.from_numpy(digits.y).to(device)
    model = network(seed=seed).to(device)
    order = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters())
    begin_s = time.perf_counter()
    for _ in range(epochs):
        for batch in torch.split(torch.randperm(len(labels), generator=order), 64):
            loss = functional.cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no type
            optimizer.step()
    timing.synchronize(device)
    return Trained(model, time.perf_counter() - begin_s)


@torch.no_grad()
def top1(model: nn.Module, digits: DataSplit, *, device: str = "cpu") -> tuple[int, int]:
    """Return how many digits the network gets right, and how many there are.

    Parameters
    ----------
    model
        On the device.
    digits
        As for `train`.
    device
        ``cpu`` or ``cuda``.
    """
    images = torch.from_numpy(digits.x).to(device)
    right = model(images).argmax(1).cpu() == torch.from_numpy(digits.y)
    return int(right.sum()), len(right)


def predictor(
    model: nn.Module, image: npt.NDArray[np.float32], *, device: str = "cpu"
) -> Callable[[], object]:
    """Return a function that predicts one digit, for a meter to call.

    Parameters
    ----------
    model
        On the device.
    image
        (1, 1, 8, 8), float32.
    device
        ``cpu`` or ``cuda``.
    """
    pixels = torch.from_numpy(image).to(device)

    @torch.no_grad()
    def predict() -> object:
        return model(pixels)

    return predict


def assumed_machine(energy_j: records.Result, duration_s: float) -> dict[str, tuple[float, float]]:
    """Return ranges of the machine that trained: its power from the meter, the rest assumed.

    Parameters
    ----------
    energy_j, duration_s
        Of one training run.

    Examples
    --------
    >>> joules = records.Result(10.0, 6.0, 14.0, n=6, kind="modelled")
    >>> assumed_machine(joules, 2.0)["busy_w"]
    (3.0, 7.0)
    """
    return {
        "busy_w": (energy_j.low / duration_s, energy_j.high / duration_s),
        "idle_w": IDLE_W,
        "embodied_kg": EMBODIED_KG,
        "lifetime_y": LIFETIME_Y,
    }
