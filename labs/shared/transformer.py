"""A small GPT for characters, with one knob for its size: the workload that can be made to scale.

Its parts are separate linear layers without biases, so that each can be split over devices, and it
is built as embedding, blocks and head, so that it can be cut into stages. It neither trains nor
samples.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from labs.shared.networks import seeded

CHARACTERS = 65  # different ones in tinyshakespeare


@dataclass(frozen=True)
class Size:
    """What the size knob sets.

    Parameters
    ----------
    layers, width, heads
        Blocks; features of a token; heads of the attention, which divide the width.
    context
        Tokens that the network sees at once.
    """

    layers: int
    width: int
    heads: int
    context: int


SIZES = {
    "tiny": Size(layers=2, width=64, heads=4, context=64),
    "small": Size(layers=4, width=128, heads=4, context=128),
    "medium": Size(layers=6, width=384, heads=8, context=256),
    "large": Size(layers=12, width=768, heads=12, context=1024),
    "huge": Size(layers=24, width=2048, heads=16, context=2048),
}


class Attention(nn.Module):
    """Causal attention with heads; (batch, tokens, width) -> the same shape.

    Parameters
    ----------
    width, heads
        As in `Size`.
    dropout
        Share of the attention and of the result that is dropped while training.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (
            nn.Linear(width, width, bias=False) for _ in range(4)
        )
        self.head_width = width // heads
        self.dropout = dropout

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what each token takes from those before it and from itself."""
        q, k, v = (self._heads(layer(x)) for layer in (self.query, self.key, self.value))
        mixed = functional.scaled_dot_product_attention(
            q, k, v, is_causal=True, dropout_p=self.dropout if self.training else 0.0
        )
        out = self.out(mixed.transpose(1, 2).flatten(2))
        return functional.dropout(out, self.dropout, self.training)

    def _heads(self, x: torch.Tensor) -> torch.Tensor:
        # The number of heads is not written down: split over devices, each holds some of them.
        batch, tokens, width = x.shape
        return x.view(batch, tokens, width // self.head_width, self.head_width).transpose(1, 2)


class Block(nn.Module):
    """Attention, then two linear layers with GELU, each added to what came in.

    Parameters
    ----------
    width, heads, dropout
        As in `Attention`.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, bias=False)
        self.attention = Attention(width, heads, dropout)
        self.norm2 = nn.LayerNorm(width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)
        self.dropout = dropout

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (batch, tokens, width) of the same."""
        x = x + self.attention(self.norm1(x))
        y: torch.Tensor = self.down(functional.gelu(self.up(self.norm2(x))))
        return x + functional.dropout(y, self.dropout, self.training)


class Embedding(nn.Module):
    """Codes and places of tokens as features; (batch, tokens) int64 -> (batch, tokens, width)."""

    def __init__(self, characters: int, size: Size) -> None:
        super().__init__()
        self.token = nn.Embedding(characters, size.width)
        self.place = nn.Embedding(size.context, size.width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum of what a code and its place stand for."""
        places = torch.arange(x.shape[1], device=x.device)
        features: torch.Tensor = self.token(x) + self.place(places)
        return features


class Transformer(nn.Module):
    """Embedding, blocks, normalisation, head.

    Parameters
    ----------
    size
        What the knob sets.
    characters
        Codes to tell apart.
    dropout
        Share dropped while training.
    """

    def __init__(self, size: Size, *, characters: int = CHARACTERS, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedding = Embedding(characters, size)
        self.blocks = nn.ModuleList(
            Block(size.width, size.heads, dropout) for _ in range(size.layers)
        )
        self.norm = nn.LayerNorm(size.width, bias=False)
        self.head = nn.Linear(size.width, characters, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits, (batch, tokens, characters), of codes, (batch, tokens) int64."""
        x = self.embedding(x)
        for block in self.blocks:
            x = block(x)
        logits: torch.Tensor = self.head(self.norm(x))
        return logits


def transformer(size: str = "tiny", *, seed: int = 0, dropout: float = 0.0) -> Transformer:
    """Return an untrained network whose weights follow from the seed alone.

    Parameters
    ----------
    size
        A name in `SIZES`.
    seed
        Decides the weights.
    dropout
        Share of the features that training drops after each part of a block, 0 to 1.

    Raises
    ------
    ValueError
        If the size has another name than those in `SIZES`.

    Examples
    --------
    >>> transformer("tiny")(torch.zeros(2, 64, dtype=torch.int64)).shape
    torch.Size([2, 64, 65])
    """
    if size not in SIZES:
        raise ValueError(f"size is {size!r}; one of {', '.join(SIZES)}")
    with seeded(seed):
        return Transformer(SIZES[size], dropout=dropout)
