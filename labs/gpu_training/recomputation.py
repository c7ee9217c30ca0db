"""Activations that are computed twice, so that fewer are kept: a ledger, and the real thing.

- ``Ledger``           counts which activations of a chain of layers are held, call by call
- ``checkpointed``     the loss of a transformer, its blocks under `torch.utils.checkpoint`
- ``gradient_gap``     whether dropout is replayed: gradients with and without checkpoints

The order of the calls is decided in exercise 2.6; nothing here plans one.
"""

from collections import Counter
from dataclasses import replace
from functools import partial

import torch
from torch.utils.checkpoint import checkpoint

from labs.gpu_training.accumulation import Batch, mean_loss
from labs.gpu_training.allocations import Allocations
from labs.shared.networks import seeded
from labs.shared.transformer import SIZES, Transformer


class Ledger:
    """Which activations of a chain are held: 0 is the input, i + 1 the result of layer i.

    ``held`` are the numbers of those held now, ``trace`` how many were held after each call,
    ``forwards`` how often each layer ran, ``backwards`` the layers in the order of their backwards.

    Parameters
    ----------
    layers
        Of the chain, >= 1.

    Examples
    --------
    >>> ledger = Ledger(2)
    >>> for layer in (0, 1):
    ...     ledger.forward(layer)
    >>> ledger.backward(1)
    >>> ledger.free(1)
    >>> ledger.trace, sorted(ledger.held)
    ([2, 3, 3, 2], [0, 2])
    >>> ledger.forward(1)
    Traceback (most recent call last):
    ...
    ValueError: forward(1) needs activation 1, which is not held; held are [0, 2]
    """

    def __init__(self, layers: int) -> None:
        self.layers = layers
        self.held = {0}
        self.trace: list[int] = []
        self.forwards: Counter[int] = Counter()
        self.backwards: list[int] = []

    def forward(self, layer: int) -> None:
        """Run a layer on its input, activation `layer`; its result is held from now on."""
        self._need(layer, "forward")
        self.held.add(layer + 1)
        self.forwards[layer] += 1
        self.trace.append(len(self.held))

    def backward(self, layer: int) -> None:
        """Run the backward pass of a layer, from the last to the first, with its input held."""
        self._need(layer, "backward")
        wanted = self.layers - 1 - len(self.backwards)
        if layer != wanted:
            raise ValueError(f"backward({layer}) out of turn; the next is backward({wanted})")
        if not self.forwards[self.layers - 1]:
            raise ValueError("a backward pass before the forward pass has come to its end")
        self.backwards.append(layer)
        self.trace.append(len(self.held))

    def free(self, activation: int) -> None:
        """Let an activation go."""
        if activation not in self.held:
            raise ValueError(f"free({activation}), which is not held; held are {sorted(self.held)}")
        self.held.remove(activation)
        self.trace.append(len(self.held))

    def _need(self, layer: int, what: str) -> None:
        if not 0 <= layer < self.layers:
            raise ValueError(f"{what}({layer}); the layers are 0 to {self.layers - 1}")
        if layer not in self.held:
            raise ValueError(
                f"{what}({layer}) needs activation {layer}, which is not held; "
                f"held are {sorted(self.held)}"
            )


def deep(size: str, *, layers: int, dropout: float = 0.0, seed: int = 0) -> Transformer:
    """Return a transformer of a size with so many layers, its weights from a seed."""
    with seeded(seed):
        return Transformer(replace(SIZES[size], layers=layers), dropout=dropout)


def checkpointed(
    model: Transformer, batch: Batch, *, segments: int, preserve_rng_state: bool = True
) -> torch.Tensor:
    """Return the loss of a transformer that keeps only the inputs of segments of its blocks.

    Parameters
    ----------
    model
        Its blocks are cut into segments of one length; the last may be shorter.
    batch
        Codes and targets, (batch, tokens) int64 each.
    segments
        0 keeps everything.
    preserve_rng_state
        Whether the random numbers of dropout are replayed when a segment is computed again.
    """

    def run(blocks: list[torch.nn.Module], x: torch.Tensor) -> torch.Tensor:
        for block in blocks:
            x = block(x)
        return x

    def logits(codes: torch.Tensor) -> torch.Tensor:
        x = model.embedding(codes)
        blocks = list(model.blocks)
        length = -(-len(blocks) // max(1, segments))
        for start in range(0, len(blocks), length):
            segment = partial(run, blocks[start : start + length])
            if segments:
                x = checkpoint(
                    segment, x, use_reentrant=False, preserve_rng_state=preserve_rng_state
                )
            else:
                x = segment(x)
        out: torch.Tensor = model.head(model.norm(x))
        return out

    return mean_loss(logits, batch)


def peak_bytes(model: Transformer, batch: Batch, *, segments: int) -> int:
    """Return the most bytes alive above a model's weights in both passes.

    Parameters
    ----------
    model
        On the device that computes.
    batch
        Codes and targets, there as well.
    segments
        Parts of the network whose inputs alone are kept; 0 keeps everything.
    """
    model.zero_grad()
    held = Allocations()
    with held:
        torch.autograd.backward(checkpointed(model, batch, segments=segments))
    model.zero_grad()
    return held.peak_bytes


def gradient_gap(model: Transformer, batch: Batch, *, preserve_rng_state: bool, seed: int) -> float:
    """Return how far gradients under checkpoints are from those without, relatively.

    Parameters
    ----------
    model
        On the processor, while training; with dropout.
    batch
        Codes and targets, (batch, tokens) int64 each.
    preserve_rng_state
        As for `checkpointed`.
    seed
        Of the dropout, the same with and without.
    """
    weights = list(model.parameters())
    found = []
    for segments in (0, len(model.blocks)):
        with seeded(seed):
            loss = checkpointed(
                model, batch, segments=segments, preserve_rng_state=preserve_rng_state
            )
            torch.autograd.backward(loss)
        found.append([p.grad.clone() for p in weights if p.grad is not None])
        model.zero_grad()
    apart = max(float((a - b).abs().max()) for a, b in zip(*found, strict=True))
    return apart / max(float(a.abs().max()) for a in found[0])
