"""One sequence through the network with a student's attention, token by token.

All but the attention is the network's own; the attention works on NumPy arrays, layer by layer.
Nothing here is fast: it shows that a cache changes the work and not the answer.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from labs.shared.transformer import Block, Transformer

Attend = Callable[..., tuple[Any, Any, Any]]
Floats = npt.NDArray[np.floating[Any]]


@torch.no_grad()
def logits_with_cache(model: Transformer, codes: torch.Tensor, *, attend: Attend) -> Floats:
    """Return the logits after each token, (tokens, characters), every token run once.

    Parameters
    ----------
    model
        In evaluation mode, of any dtype.
    codes
        (tokens,) int64.
    attend
        ``attend(query, key, value, keys=..., values=...)`` as in exercise 7.1.
    """
    weight = model.head.weight
    caches: list[tuple[Floats, Floats]] = []
    for block in model.blocks:
        assert isinstance(block, Block)  # a ModuleList forgets
        empty = torch.zeros(len(_heads(block, block.norm1.weight)), 0, block.attention.head_width)
        caches.append((empty.to(weight.dtype).numpy(), empty.to(weight.dtype).numpy()))
    rows = []
    for place, code in enumerate(codes.to(weight.device)):
        x = model.embedding.token(code) + model.embedding.place.weight[place]
        for layer, block in enumerate(model.blocks):
            assert isinstance(block, Block)  # a ModuleList forgets
            mixed, caches[layer] = _attended(
                block, block.norm1(x), attend=attend, cache=caches[layer]
            )
            x = x + block.attention.out(mixed)
            x = x + block.down(functional.gelu(block.up(block.norm2(x))))
        rows.append(model.head(model.norm(x)).cpu().numpy())
    return np.stack(rows)


def _heads(block: Block, x: torch.Tensor) -> Floats:
    return x.view(-1, block.attention.head_width).detach().cpu().numpy()


def _attended(
    block: Block, x: torch.Tensor, *, attend: Attend, cache: tuple[Floats, Floats]
) -> tuple[torch.Tensor, tuple[Floats, Floats]]:
    attention = block.attention
    parts = [_heads(block, layer(x)) for layer in (attention.query, attention.key, attention.value)]
    mixed, keys, values = attend(*parts, keys=cache[0], values=cache[1])
    out = torch.as_tensor(np.asarray(mixed), dtype=x.dtype, device=x.device).flatten()
    return out, (np.asarray(keys), np.asarray(values))


@torch.no_grad()
def logits_recomputed(model: Transformer, codes: torch.Tensor) -> Floats:
    """Return the same logits from one run of the whole network over all tokens.

    Parameters
    ----------
    model, codes
        As for `logits_with_cache`.
    """
    logits: Floats = model(codes[None].to(model.head.weight.device))[0].cpu().numpy()
    return logits
