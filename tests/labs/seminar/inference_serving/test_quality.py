"""Bits per character with a coarser cache, against a cache that is really coarser."""

import math

import numpy as np
import torch
from torch.nn import functional

from labs.seminar.inference_serving import by_hand, given, quality
from labs.shared.transformer import SIZES, transformer


def through(values):
    """Return what the int8 cache gives back."""
    codes, scales = given.quantize_tokens(values)
    return codes * scales[:, :, None]


def test_a_whole_window_is_token_by_token_from_a_rounded_cache() -> None:
    def attend(query, key, value, *, keys, values):
        key, value = (through(x[:, None].astype(np.float32))[:, 0] for x in (key, value))
        return given.attend(
            query, key.astype(query.dtype), value.astype(query.dtype), keys=keys, values=values
        )

    model = transformer(quality.SIZE).eval()
    piece = quality.windows("val", 1, context=SIZES[quality.SIZE].context, seed=0)
    logits = torch.from_numpy(by_hand.logits_with_cache(model, piece[0, :-1], attend=attend))
    nats = functional.cross_entropy(logits, piece[0, 1:])
    got = quality.bits_per_character(model, piece, through=through)
    # A rounded code may flip where float32 orders sums differently: one step of 1/127 each.
    assert abs(float(nats) / math.log(2) - got[0]) < 1e-4


def test_an_exact_cache_changes_nothing_and_a_broken_one_much() -> None:
    model = transformer(quality.SIZE).eval()
    pieces = quality.windows("val", 3, context=128, seed=1)
    plain = quality.bits_per_character(model, pieces)
    same = quality.bits_per_character(model, pieces, through=lambda x: x)
    assert np.abs(plain - same).max() < 1e-6
    with torch.no_grad():
        logits = model(pieces[:, :-1])
    nats = functional.cross_entropy(logits.flatten(0, 1), pieces[:, 1:].flatten())
    assert abs(float(nats) / math.log(2) - plain.mean()) < 1e-5


def test_windows_do_not_overlap_and_follow_from_the_seed() -> None:
    pieces = quality.windows("val", 20, context=128, seed=2)
    assert pieces.shape == (20, 129)
    assert len({tuple(p.tolist()) for p in pieces}) == 20
    assert torch.equal(pieces, quality.windows("val", 20, context=128, seed=2))
    text = quality.codes("val")
    assert set(text.unique().tolist()) <= set(range(65))


def test_training_helps_and_is_repeatable() -> None:
    pieces = quality.windows("val", 4, context=128, seed=0)
    before = torch.random.get_rng_state()
    one, two = (quality.trained(6, seed=0) for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)
    start = quality.bits_per_character(transformer(quality.SIZE).eval(), pieces).mean()
    assert quality.bits_per_character(one, pieces).mean() < start - 0.5


def test_one_scale_errs_by_half_a_step_at_most() -> None:
    values = np.random.default_rng(0).normal(size=(2, 3, 4))
    step = np.abs(values).max() / 127
    assert np.abs(quality.one_scale(values) - values).max() <= step / 2 * (1 + 1e-12)
    assert quality.one_scale(np.zeros((1, 1, 2))).tolist() == [[[0.0, 0.0]]]


def test_fewer_bits_are_the_same_idea_with_fewer_codes() -> None:
    values = np.random.default_rng(1).normal(size=(3, 5, 8)).astype(np.float32)
    eight = quality.coarse(values, largest_code=127)
    # Scales of float32 on either way: 24 bits of numbers below 5.
    assert np.abs(eight - through(values)).max() < 5 * 2**-20
    for largest_code in (1, 7):
        steps = np.abs(values).max(axis=2, keepdims=True) / largest_code
        restored = quality.coarse(values, largest_code=largest_code)
        assert (np.abs(restored - values) <= steps / 2 * (1 + 1e-6)).all()
    assert quality.coarse(np.zeros((1, 1, 2)), largest_code=7).tolist() == [[[0.0, 0.0]]]
