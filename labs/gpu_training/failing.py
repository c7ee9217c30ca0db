"""A training job with everything that it needs again after a failure.

`Job` holds weights, optimiser, learning-rate schedule, a random generator and its place in the
text. How its state is packed and unpacked is the exercise; `labs.gpu_training.resuming` trains such
a job on several ranks and kills one. Nothing here fails by itself.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from labs.engine import codec
from labs.gpu_training.workload import Weights, loss_of, weights_of
from labs.shared.networks import seeded
from labs.shared.transformer import Size, Transformer

Average = Callable[[nn.Module], None]
BLANKED = 0.1  # share of the characters that the network does not see while it trains
_SMALL = Size(layers=1, width=16, heads=2, context=8)
_SMALL_CHARACTERS = 16


@dataclass
class Job:
    """A network in training that reads a text from its begin to its end, over and over.

    Parameters
    ----------
    model
        A transformer.
    codes
        The text as codes, (characters,) int64.
    batch, context
        Sequences of a step, over all ranks; characters of a sequence.
    learning_rate, horizon
        At the start; steps until the cosine schedule reaches 0.
    generator
        Draws which characters are blanked: each rank has one of its own.
    rank, world_size
        Which part of each batch is taken, 0 and 1 for all.

    Attributes
    ----------
    optimizer, scheduler
        AdamW and a cosine schedule.
    step
        Steps taken.
    position
        Where the next batch begins in the text.
    """

    model: nn.Module
    codes: torch.Tensor
    batch: int
    context: int
    generator: torch.Generator
    learning_rate: float = 1e-3
    horizon: int = 100
    rank: int = 0
    world_size: int = 1
    step: int = 0
    position: int = 0
    optimizer: torch.optim.Optimizer = field(init=False)
    scheduler: torch.optim.lr_scheduler.LRScheduler = field(init=False)

    def __post_init__(self) -> None:
        """Make optimiser and schedule for the network."""
        parameters = self.model.parameters()
        self.optimizer = torch.optim.AdamW(parameters, lr=self.learning_rate, foreach=False)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, self.horizon)

    def advance(self, steps: int = 1, *, average: Average = lambda _: None) -> list[float]:
        """Train on and return the losses [nat].

        Parameters
        ----------
        steps
            Steps to take, >= 0.
        average
            Makes the gradients of all ranks the same, after the backward pass.
        """
        with _one_thread():
            return [self._advance_once(average) for _ in range(steps)]

    def _advance_once(self, average: Average) -> float:
        x, y = self._next_batch()
        self.optimizer.zero_grad()
        loss = loss_of(self.model, x, targets=y)
        torch.autograd.backward(loss)
        average(self.model)
        self.optimizer.step()
        self.scheduler.step()
        self.step += 1
        return float(loss.detach())

    def _next_batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        size = self.batch * self.context
        places = (self.position + torch.arange(size + 1)) % len(self.codes)
        self.position = (self.position + size) % len(self.codes)
        read = self.codes[places]
        x, y = (part.view(self.batch, -1).chunk(self.world_size) for part in (read[:-1], read[1:]))
        mine, device = x[self.rank], next(self.model.parameters()).device
        blank = torch.rand(mine.shape, generator=self.generator) < BLANKED
        return mine.masked_fill(blank, 0).to(device), y[self.rank].to(device)

    def weights(self) -> Weights:
        """Return a copy of the weights by name."""
        return weights_of(self.model)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch compute in one thread: more of them add in another order, so bits differ."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def small_job(seed: int = 0) -> Job:
    """Return a job with a small network and a text of its own, for checks.

    The text is the same whatever the seed; weights and generator follow from it.
    """
    with seeded(seed):
        model = Transformer(_SMALL, characters=_SMALL_CHARACTERS)
    codes = torch.from_numpy(np.random.default_rng(0).integers(0, _SMALL_CHARACTERS, 400))
    generator = torch.Generator().manual_seed(seed)
    return Job(model, codes, 4, _SMALL.context, generator, learning_rate=3e-3, horizon=50)


def fingerprints(job: Job) -> dict[str, str]:
    """Return a short text for each part of a job's state; equal parts have equal texts."""
    parts = {
        "weights": job.model.state_dict(),
        "optimiser": job.optimizer.state_dict(),
        "schedule": {
            key: value for key, value in job.scheduler.state_dict().items() if key[0] != "_"
        },
        "generator": job.generator.get_state(),
        "step": job.step,
        "position": job.position,
    }
    return {
        name: hashlib.sha256(codec.encode(_as_arrays(part))).hexdigest()[:12]
        for name, part in parts.items()
    }


def _as_arrays(value: Any) -> Any:
    """Return the same with tensors as arrays, so that equal numbers give equal bytes."""
    if isinstance(value, dict):
        return {key: _as_arrays(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_arrays(each) for each in value]
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
