"""A cache for several sequences against the whole network over all tokens."""

import numpy as np
import pytest
import torch

from labs.seminar.inference_serving.generation import Slots, extend
from labs.shared.transformer import SIZES, transformer

SIZE = SIZES["tiny"]


def draw_codes(sequences: int, tokens: int) -> torch.Tensor:
    """Return (sequences, tokens) codes."""
    drawn = np.random.default_rng(0).integers(0, 65, (sequences, tokens))
    return torch.from_numpy(drawn)


def tolerance(codes: torch.Tensor) -> float:
    """Return four times what rounding to float32 does to the whole network, as in the lab."""
    with torch.no_grad():
        single = transformer("tiny").eval()(codes)
        double = transformer("tiny").double().eval()(codes)
    return 4 * float((single - double).abs().max())


def test_sequences_of_different_lengths_share_a_batch() -> None:
    codes, model = draw_codes(3, 40), transformer("tiny").eval()
    slots, rows, lengths = Slots(SIZE, 5), [4, 0, 2], [7, 20, 31]
    for code, row, length in zip(codes, rows, lengths, strict=True):
        extend(model, code[None, :length], slots=slots, rows=[row])
    for step in range(5):
        new = torch.stack([c[n + step] for c, n in zip(codes, lengths, strict=True)])
        logits = extend(model, new[:, None], slots=slots, rows=rows)
    with torch.no_grad():
        whole = [
            model(c[None, : n + 5])[0, -1].numpy() for c, n in zip(codes, lengths, strict=True)
        ]
    assert np.abs(logits.numpy() - np.stack(whole)).max() <= tolerance(codes)
    assert slots.lengths.tolist() == [25, 0, 36, 0, 12]


def test_a_prompt_in_parts_is_the_prompt() -> None:
    codes, model = draw_codes(1, 30), transformer("tiny").eval()
    once, parts = Slots(SIZE, 1), Slots(SIZE, 1)
    at_once = extend(model, codes, slots=once, rows=[0])
    for part in codes.split([11, 1, 18], dim=1):
        in_parts = extend(model, part, slots=parts, rows=[0])
    assert float((at_once - in_parts).abs().max()) <= tolerance(codes)


def test_a_slot_that_was_cleared_forgets() -> None:
    codes, model = draw_codes(2, 12), transformer("tiny").eval()
    used, fresh = Slots(SIZE, 1), Slots(SIZE, 1)
    extend(model, codes[:1], slots=used, rows=[0])
    used.clear(0)
    again = extend(model, codes[1:, :5], slots=used, rows=[0])
    assert torch.equal(again, extend(model, codes[1:, :5], slots=fresh, rows=[0]))


def test_bytes_by_hand() -> None:
    # 2 layers x 3 slots x 4 heads x 64 tokens x 16 numbers x 4 B, keys and values
    assert Slots(SIZE, 3).size_bytes == 2 * (2 * 3 * 4 * 64 * 16 * 4)


def test_growing_beyond_the_context_is_refused() -> None:
    slots = Slots(SIZE, 1)
    with pytest.raises(ValueError, match="would have 65 tokens; the network sees 64"):
        extend(transformer("tiny"), draw_codes(1, 65), slots=slots, rows=[0])
    assert slots.lengths.tolist() == [0]
