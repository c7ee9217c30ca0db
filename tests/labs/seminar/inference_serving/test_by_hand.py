"""A student's attention in the real network: equal to recomputing but for rounding."""

import numpy as np
import torch

from labs.seminar.inference_serving import by_hand, given
from labs.shared.transformer import transformer

CODES = torch.from_numpy(np.random.default_rng(1).integers(0, 65, 30))


def test_with_a_cache_and_recomputed_agree_to_rounding() -> None:
    single, double = transformer("tiny").eval(), transformer("tiny").double().eval()
    truth = by_hand.logits_recomputed(double, CODES)
    rounding = np.abs(by_hand.logits_recomputed(single, CODES) - truth).max()
    off = np.abs(by_hand.logits_with_cache(single, CODES, attend=given.attend) - truth).max()
    assert off <= 4 * rounding
    exact = np.abs(by_hand.logits_with_cache(double, CODES, attend=given.attend) - truth).max()
    # 29 more bits, and some of room for luck.
    assert exact <= 4 * rounding * 2**-29 * 2**4


def test_a_cache_that_loses_a_token_is_no_rounding() -> None:
    def forgetful(query, key, value, *, keys, values):
        mixed, longer, also = given.attend(query, key, value, keys=keys, values=values)
        return mixed, longer[:, -5:], also[:, -5:]

    double = transformer("tiny").double().eval()
    truth = by_hand.logits_recomputed(double, CODES)
    off = np.abs(by_hand.logits_with_cache(double, CODES, attend=forgetful) - truth).max(axis=1)
    assert off[:6].max() < 1e-12 < off[6:].min()  # the first five tokens, and the new one, fit
