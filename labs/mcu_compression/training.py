"""Trains the keyword-spotting network, and says how often it is right.

`train` starts from nothing and makes its own disturbed copies of the clips; `tune` goes on with a
trained network for a few passes, as quantisation and pruning need it. Both leave the global random
state alone and work on whatever device the network is on. Nothing is timed or drawn here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional

from course_utils import stats
from course_utils.units import MI
from labs.shared.keywords import Clips, augmented

Examples = tuple[Tensor, Tensor]  # features (n, 1, 49, 10) and labels (n,)
SMOOTHING = 0.1  # share of the label that is spread over all classes: less certain, fewer mistakes
WEIGHT_DECAY = 0.1


@dataclass(frozen=True)
class Settings:
    """How to train.

    Parameters
    ----------
    epochs
        Passes over the training clips, >= 1.
    batch
        Clips a step, >= 1.
    learning_rate
        Highest step size of AdamW, > 0; it rises to there and falls back along cosines.
    noise
        Peak of the loudest noise mixed into a clip, as a share of the clip's own peak, 0 to 1.
    copies
        Disturbed copies that are made of each clip, >= 1, and at most one a pass; a pass takes one
        of them at random.
    seed
        Start of every random choice.

    Raises
    ------
    ValueError
        If a number is out of range, naming it.

    Examples
    --------
    >>> Settings(epochs=0)
    Traceback (most recent call last):
    ...
    ValueError: epochs is 0; give at least 1
    """

    epochs: int = 12
    batch: int = 32
    learning_rate: float = 0.02
    noise: float = 0.1
    copies: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "copies"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; give at least 1")
        if not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"learning_rate is {self.learning_rate}; give a number above 0")
        if not 0 <= self.noise <= 1:
            raise ValueError(f"noise is {self.noise}; give a share of the clip's peak from 0 to 1")


@dataclass(frozen=True)
class Epoch:
    """One pass over the training clips.

    Parameters
    ----------
    number
        Counted from 1.
    loss
        Mean over the training clips, on their disturbed copies.
    correct, n
        Clips to watch that were right afterwards, and all of them.
    """

    number: int
    loss: float
    correct: int
    n: int


def train(
    network: nn.Module, clips: Clips, *, watch: Examples, settings: Settings
) -> Iterator[Epoch]:
    """Train a network in place, and tell after every pass how it does on other clips.

    The features of some disturbed copies are computed before the first pass, which is much cheaper
    than new ones for every pass.

    Parameters
    ----------
    network
        Changed in place, and in evaluation mode whenever a pass has ended.
    clips
        To learn from.
    watch
        Features and labels of clips that are not learned from, to watch the accuracy on.
    settings
        Epochs, batch, learning rate, noise and seed.

    Yields
    ------
    Epoch
        Loss, and right answers on the clips to watch.
    """
    device = device_of(network)
    rng = np.random.default_rng(settings.seed)
    seeds = rng.integers(2**31, size=min(settings.copies, settings.epochs)).tolist()
    copies = torch.stack([augmented(clips, noise=settings.noise, seed=s).to(device) for s in seeds])

    def next_pass(rng: torch.Generator) -> Examples:
        chosen = torch.randint(len(copies), (len(clips),), generator=rng)
        return copies[chosen, torch.arange(len(clips))], clips.labels

    with _overwriting(network):
        for number, loss in enumerate(_passes(network, next_pass, settings), start=1):
            right = is_right(network, watch)
            yield Epoch(number, loss, int(right.sum()), len(right))


def tune(
    network: nn.Module,
    examples: Examples,
    *,
    settings: Settings,
    after_step: Callable[[nn.Module], None] | None = None,
) -> list[float]:
    """Go on training a network in place for a few passes; return the mean loss of each.

    Parameters
    ----------
    network
        Changed in place, and in evaluation mode afterwards.
    examples
        Features and labels, for instance of `keywords.augmented`; noise plays no part here.
    settings
        A few epochs, with a third or a tenth of the learning rate of training.
    after_step
        Called after every step, for instance to keep pruned weights at 0.
    """
    passes = _passes(network, lambda _: examples, settings, after_step)
    return list(passes)


def device_of(network: nn.Module) -> torch.device:
    """Return the device that the weights of a network are on."""
    return next(network.parameters()).device


@torch.no_grad()
def logits(network: nn.Module, features: Tensor) -> Tensor:
    """Return the scores of a network in evaluation mode; its own mode is put back.

    Parameters
    ----------
    network
        On any device.
    features
        (n, 1, 49, 10), float32, on any device.

    Returns
    -------
    Tensor
        (n, classes), float32, on the CPU.
    """
    was_training, device = network.training, device_of(network)
    network.eval()
    scores = torch.cat([network(chunk.to(device)).cpu() for chunk in torch.split(features, 250)])
    network.train(was_training)
    return scores


def is_right(network: nn.Module, examples: Examples) -> Tensor:
    """Return for each clip whether the network's highest score is its label, (n,), bool."""
    features, labels = examples
    return logits(network, features).argmax(1) == labels.cpu()


def speech_top1(right: ArrayLike, clips: Clips, *, rng: np.random.Generator) -> stats.Interval:
    """Return the share of right answers, with its interval for new speakers.

    Whole speakers are drawn, since clips of one speaker resemble each other. A clip of silence has
    no speaker and is drawn by itself.

    Parameters
    ----------
    right
        (n,), true or 1 where the answer is right.
    clips
        The clips that were answered, in the same order.
    rng
        Draws the speakers.
    """
    return stats.cluster_bootstrap(np.asarray(right, dtype=float), clips.clusters(), rng=rng)


def _passes(
    network: nn.Module,
    next_pass: Callable[[torch.Generator], Examples],
    settings: Settings,
    after_step: Callable[[nn.Module], None] | None = None,
) -> Iterator[float]:
    """Train for all passes; yield the mean loss of each, with the network in evaluation mode."""
    _keep_freed_memory()
    rng, device = torch.Generator().manual_seed(settings.seed), device_of(network)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
    optimizer = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=WEIGHT_DECAY, fused=True
    )
    schedule = None
    for _ in range(settings.epochs):
        features, labels = next_pass(rng)
        order = torch.split(torch.randperm(len(labels), generator=rng), settings.batch)
        schedule = schedule or torch.optim.lr_scheduler.OneCycleLR(
            optimizer, settings.learning_rate, total_steps=settings.epochs * len(order)
        )
        total = torch.zeros((), device=device)
        _set_training(network)
        for batch in order:
            scores, wanted = network(features[batch].to(device)), labels[batch].to(device)
            loss = functional.cross_entropy(scores, wanted, label_smoothing=SMOOTHING)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no type
            optimizer.step()
            schedule.step()
            if after_step is not None:
                after_step(network)
            total += loss.detach() * len(batch)
        network.eval()
        yield float(total) / len(labels)


def _set_training(network: nn.Module) -> None:
    """Put a network in training mode, but for dropout: disturbed copies do what it is for."""
    network.train()
    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.eval()


@contextmanager
def _overwriting(network: nn.Module) -> Iterator[None]:
    """Let each ReLU overwrite its input meanwhile, which saves memory traffic and so time."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.ReLU)]
    for layer in layers:
        layer.inplace = True
    try:
        yield
    finally:
        for layer in layers:
            layer.inplace = False


def _keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next step: it goes by the largest block freed.

    Otherwise each step takes all of its memory anew from the system, page by page.
    """
    torch.empty(31 * MI, dtype=torch.uint8)
