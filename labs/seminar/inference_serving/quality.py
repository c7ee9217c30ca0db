"""A network trained for seconds, and what a coarser cache costs it in bits per character.

Speed does not depend on weights, quality does: only here they are trained. A query attends to the
keys and values that the cache gives back, its own included, so running a whole window with rounded
keys and values gives the logits of token by token from a rounded cache.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from course_utils import data
from labs.shared.transformer import SIZES, Block, Transformer, transformer

Floats = npt.NDArray[np.floating[Any]]
Through = Callable[[Floats], Floats]
SIZE = "small"


def codes(split: str) -> torch.Tensor:
    """Return tinyshakespeare as codes from 0, (characters,) int64; `split` is train or val."""
    alphabet = np.unique(data.load("tinyshakespeare").x)
    return torch.from_numpy(np.searchsorted(alphabet, data.load("tinyshakespeare", split=split).x))


def windows(split: str, number: int, *, context: int, seed: int) -> torch.Tensor:
    """Return pieces of the text, (number, context + 1), none of which overlap.

    Parameters
    ----------
    split
        ``train`` or ``val``.
    number
        Pieces.
    context
        Characters that are seen; one more is to be said in the end.
    seed
        Decides the places.
    """
    text = codes(split)
    pieces = text[: len(text) // (context + 1) * (context + 1)].view(-1, context + 1)
    chosen = np.random.default_rng(seed).permutation(len(pieces))[:number]
    return pieces[torch.from_numpy(np.sort(chosen))]


def trained(steps: int, *, seed: int, batch: int = 8) -> Transformer:
    """Return the small transformer after some steps of AdamW, in evaluation mode, on the CPU.

    Parameters
    ----------
    steps
        Of training, 1 or more.
    seed
        Decides weights and batches.
    batch
        Windows of a step.
    """
    model = transformer(SIZE, seed=seed).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    text, context = codes("train"), SIZES[SIZE].context
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        starts = torch.from_numpy(rng.integers(0, len(text) - context - 1, batch))
        pieces = text[starts[:, None] + torch.arange(context + 1)]
        logits = model(pieces[:, :-1])
        loss = functional.cross_entropy(logits.flatten(0, 1), pieces[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        optimizer.step()
    return model.eval()


@torch.no_grad()
def bits_per_character(
    model: Transformer, pieces: torch.Tensor, *, through: Through | None = None
) -> Floats:
    """Return the bits per character of each window, (windows,).

    Parameters
    ----------
    model
        In evaluation mode, on the CPU.
    pieces
        (windows, context + 1) int64.
    through
        What the cache makes of keys or values, (heads, tokens, head width) float32 of all windows
        one after the other; nothing without it.
    """
    x = model.embedding(pieces[:, :-1])
    for block in model.blocks:
        assert isinstance(block, Block)  # a ModuleList forgets
        x = x + _attended(block, block.norm1(x), through=through)
        x = x + block.down(functional.gelu(block.up(block.norm2(x))))
    logits = model.head(model.norm(x))
    nats = functional.cross_entropy(logits.transpose(1, 2), pieces[:, 1:], reduction="none")
    bits: Floats = nats.double().mean(dim=1).numpy() / math.log(2)
    return bits


def _attended(block: Block, x: torch.Tensor, *, through: Through | None) -> torch.Tensor:
    attention = block.attention
    query, key, value = (
        part(x).unflatten(2, (-1, attention.head_width)).transpose(1, 2)
        for part in (attention.query, attention.key, attention.value)
    )
    if through is not None:
        key, value = (_through(each, through) for each in (key, value))
    mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    out: torch.Tensor = attention.out(mixed.transpose(1, 2).flatten(2))
    return out


def _through(x: torch.Tensor, through: Through) -> torch.Tensor:
    back = np.asarray(through(x.flatten(0, 1).numpy()), dtype=np.float32)
    return torch.from_numpy(back).view(x.shape)


def coarse(values: Floats, *, largest_code: int) -> Floats:
    """Return values as whole numbers up to a largest one, a scale a head and token, restore them.

    Parameters
    ----------
    values
        (heads, tokens, head width).
    largest_code
        7 for 4 bits, 1 for 2 bits.

    Examples
    --------
    >>> coarse(np.array([[[0.7, 0.16, -0.04]]]), largest_code=7).round(3).tolist()
    [[[0.7, 0.2, -0.0]]]
    """
    scales = np.abs(values).max(axis=2, keepdims=True) / largest_code
    scales[scales == 0] = 1.0
    restored: Floats = np.round(values / scales) * scales
    return restored


def one_scale(values: Floats) -> Floats:
    """Return values as int8 with a single scale for all of them would give them back.

    Examples
    --------
    >>> one_scale(np.array([1.27, 0.014, 0.004])).round(3).tolist()
    [1.27, 0.01, 0.0]
    """
    scale = float(np.abs(values).max()) / 127 or 1.0
    restored: Floats = np.round(values / scale) * scale
    return restored
