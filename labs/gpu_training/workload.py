"""What every strategy trains: a network, an optimiser and the batches, the same on every rank.

A workload is plain data, so it travels to ranks as it is, and two of the same numbers are the same
job, bit for bit, on one machine. How it is spread over ranks is decided in
`labs.gpu_training.strategies`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from labs.gpu_training import text
from labs.shared.transformer import SIZES, Transformer, transformer

Weights = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Workload:
    """A training job.

    Parameters
    ----------
    size
        Of the transformer, a name in `labs.shared.transformer.SIZES`.
    batch
        Sequences of one optimiser step, over all ranks together.
    steps
        Optimiser steps.
    learning_rate
        Of AdamW.
    dropout
        Share dropped while training.
    seed
        Of weights and batches.
    """

    size: str = "tiny"
    batch: int = 16
    steps: int = 3
    learning_rate: float = 1e-3
    dropout: float = 0.0
    seed: int = 0

    def model(self) -> Transformer:
        """Return the network before its first step."""
        return transformer(self.size, seed=self.seed, dropout=self.dropout)

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Return AdamW over the parameters of a network."""
        return torch.optim.AdamW(model.parameters(), lr=self.learning_rate, foreach=False)

    def batch_of(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return input and target codes of one step, (batch, context) int64 each."""
        return text.draw_batch(
            batch=self.batch, context=SIZES[self.size].context, seed=(self.seed, step)
        )


def loss_of(
    model: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, *, targets: torch.Tensor
) -> torch.Tensor:
    """Return the mean cross-entropy of the next characters [nat].

    Parameters
    ----------
    model
        From codes, (sequences, tokens), to logits, (sequences, tokens, characters).
    x, targets
        Codes, and the code that follows each, (sequences, tokens), int64.
    """
    return functional.cross_entropy(model(x).flatten(0, 1), targets.flatten())


def weights_of(model: nn.Module) -> Weights:
    """Return a copy of the parameters by name."""
    return {name: p.detach().cpu().numpy().copy() for name, p in model.named_parameters()}
