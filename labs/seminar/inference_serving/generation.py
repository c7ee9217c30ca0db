"""The transformer of `labs.shared` as a server runs it: several sequences, each with its own cache.

`Slots` holds keys and values of all tokens so far; `extend` runs the network on new tokens alone
and puts theirs behind. It chooses no tokens, decides nothing about who is served, and stores
float32: what fewer bits cost is the business of `quality`.
"""

from collections.abc import Sequence

import torch
from torch.nn import functional

from labs.shared.transformer import Block, Size, Transformer


class Slots:
    """Room for the keys and values of several sequences, made once.

    Parameters
    ----------
    size
        Of the network.
    number
        Sequences that have room at a time.
    device
        Where the network is.
    """

    def __init__(self, size: Size, number: int, *, device: str | torch.device = "cpu") -> None:
        shape = (size.layers, number, size.heads, size.context, size.width // size.heads)
        self.keys = torch.zeros(shape, device=device)
        self.values = torch.zeros(shape, device=device)
        self.lengths = torch.zeros(number, dtype=torch.int64, device=device)

    @property
    def size_bytes(self) -> int:
        """Bytes of all keys and values, used or not."""
        return self.keys.nbytes + self.values.nbytes

    def clear(self, slot: int) -> None:
        """Forget what a slot holds."""
        self.lengths[slot] = 0


def _attend(
    block: Block, x: torch.Tensor, *, layer: int, slots: Slots, rows: torch.Tensor
) -> torch.Tensor:
    attention = block.attention
    batch, new, _ = x.shape
    shape = (batch, new, -1, attention.head_width)
    query, key, value = (
        part(x).view(shape) for part in (attention.query, attention.key, attention.value)
    )
    places = slots.lengths[rows][:, None] + torch.arange(new, device=x.device)
    # Indices of rows and places stand apart, so they come first: (batch, new, heads, head width).
    slots.keys[layer][rows[:, None], :, places] = key
    slots.values[layer][rows[:, None], :, places] = value
    seen = int(places.max()) + 1
    is_visible = torch.arange(seen, device=x.device) <= places[:, None, :, None]
    mixed = functional.scaled_dot_product_attention(
        query.transpose(1, 2),
        slots.keys[layer][rows, :, :seen],
        slots.values[layer][rows, :, :seen],
        attn_mask=is_visible,
    )
    out: torch.Tensor = attention.out(mixed.transpose(1, 2).flatten(2))
    return out


@torch.no_grad()
def extend(
    model: Transformer, codes: torch.Tensor, *, slots: Slots, rows: Sequence[int]
) -> torch.Tensor:
    """Run new tokens of some sequences, put them into the cache, return the last logits.

    Parameters
    ----------
    model
        In evaluation mode.
    codes
        (sequences, new tokens) int64: a whole prompt, or one token each.
    slots
        What the sequences have so far; longer afterwards.
    rows
        Which slot each sequence has.

    Returns
    -------
    Logits of what follows the last token, (sequences, characters).

    Raises
    ------
    ValueError
        If a sequence would grow beyond the context of the network.

    Examples
    --------
    >>> from labs.shared.transformer import SIZES, transformer
    >>> slots, codes = Slots(SIZES["tiny"], 2), torch.zeros(1, 5, dtype=torch.int64)
    >>> extend(transformer("tiny"), codes, slots=slots, rows=[1]).shape
    torch.Size([1, 65])
    >>> slots.lengths.tolist()
    [0, 5]
    """
    index = torch.as_tensor(list(rows), device=codes.device)
    places = slots.lengths[index][:, None] + torch.arange(codes.shape[1], device=codes.device)
    context = slots.keys.shape[3]
    if int(places.max()) >= context:
        grown = int(places.max()) + 1
        raise ValueError(f"a sequence would have {grown} tokens; the network sees {context}")
    x = model.embedding.token(codes) + model.embedding.place(places)
    for layer, block in enumerate(model.blocks):
        assert isinstance(block, Block)  # a ModuleList forgets
        x = x + _attend(block, block.norm1(x), layer=layer, slots=slots, rows=index)
        x = x + block.down(functional.gelu(block.up(block.norm2(x))))
    slots.lengths[index] += codes.shape[1]
    logits: torch.Tensor = model.head(model.norm(x[:, -1]))
    return logits
