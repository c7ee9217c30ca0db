"""Tinyshakespeare as batches of character codes, drawn by seed."""

from functools import lru_cache

import numpy as np
import torch

from course_utils import data


@lru_cache
def codes(split: str = "train") -> tuple[torch.Tensor, str]:
    """Return a split as codes from 0, int64, and the characters they stand for."""
    loaded = data.load("tinyshakespeare", split=split)
    alphabet = np.unique(data.load("tinyshakespeare").x)
    return torch.from_numpy(np.searchsorted(alphabet, loaded.x)), bytes(alphabet).decode("ascii")


def draw_batch(
    *, batch: int, context: int, seed: tuple[int, ...], split: str = "train"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return sequences at random places and what follows each character, (batch, context) each.

    Parameters
    ----------
    batch, context
        Sequences, and characters of each.
    seed
        Decides the places.
    split
        ``train`` or ``val``, as of `codes`.
    """
    text, _ = codes(split)
    starts = np.random.default_rng(seed).integers(0, len(text) - context - 1, batch)
    places = torch.from_numpy(starts)[:, None] + torch.arange(context)
    return text[places], text[places + 1]
