"""Seeds as a check deals them."""

import numpy as np
import pytest

from labs.federated_learning.pads import MAX_WORDS, Pads


def test_two_clients_share_a_seed_and_all_differ() -> None:
    pads = Pads(np.random.default_rng(0))
    seeds = pads.deal([7, 3, 11])
    assert seeds[7][3] == seeds[3][7]
    assert sorted(seeds[3]) == [7, 11]
    assert len({seeds[7][3], seeds[7][11], seeds[3][11]}) == 3


def test_a_seed_has_one_expansion_and_requests_are_written_down() -> None:
    pads = Pads(np.random.default_rng(0))
    seed = pads.deal([0, 1])[0][1]
    words = pads(seed, 5)
    assert (words == pads.words(seed, 9)[:5]).all()
    assert (words.dtype, pads.asked) == (np.uint32, [(seed, 5)])
    words += np.uint32(1)
    assert (words != pads(seed, 5)).all()


def test_what_was_not_dealt_is_refused() -> None:
    pads = Pads(np.random.default_rng(0))
    seed = pads.deal([0, 1])[0][1]
    with pytest.raises(AssertionError, match="which is no seed"):
        pads("other", 2)
    for size in (-1, MAX_WORDS + 1, 2.0):
        with pytest.raises(AssertionError, match="was asked for"):
            pads(seed, size)
