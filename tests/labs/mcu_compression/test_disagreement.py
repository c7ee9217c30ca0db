"""The search for the noise at which two answers part, on networks that are made up."""

import numpy as np
import pytest
import torch

from labs.mcu_compression import disagreement
from labs.mcu_compression.disagreement import curve_of, noises, smallest_disagreement

SHARES = (0.01, 0.1, 0.5)


@pytest.fixture
def silence(monkeypatch):
    """Clips of silence whose 'features' are the peak of the noise that was added."""
    monkeypatch.setattr(disagreement, "features_of", lambda samples: samples.abs().amax(1))
    return torch.zeros(3, 16_000), noises(3, seed=0)


def answer(*bounds):
    """Class 1 between the bounds, class 0 elsewhere."""

    def scores(loud):
        inside = np.zeros(len(loud), bool)
        for low, high in bounds:
            inside |= (loud.numpy() >= low) & (loud.numpy() < high)
        found = np.full((len(loud), 12), 0.01)
        found[np.arange(len(loud)), inside.astype(int)] = 0.9
        return found

    return scores


def test_noise_has_its_peak_and_its_seed(silence):
    assert noises(2, seed=1).abs().amax(1).tolist() == pytest.approx([1.0, 1.0])
    assert torch.equal(noises(3, seed=0), silence[1])
    assert not torch.equal(noises(3, seed=1), silence[1])


def test_the_edge_is_closed_in_on_from_both_sides(silence):
    found = smallest_disagreement(
        *silence, int8=answer((0.06, 9)), float32=answer(), shares=SHARES, steps=12
    )
    for each in found:
        assert each.agreed < 0.06 <= each.differed
        assert each.differed - each.agreed < 1e-4
        assert (each.int8, each.float32) == ("go", "down")
        assert str(each).endswith('at 0.0600 int8 says "go", float32 "down"')


def test_a_spell_of_disagreement_below_the_first_find_is_seen(silence):
    """At 0.01 they agree and at 0.1 not, and between 0.02 and 0.04 they differ as well."""
    found = smallest_disagreement(
        *silence, int8=answer((0.02, 0.04), (0.09, 9)), float32=answer(), shares=SHARES
    )
    assert all(0.02 <= each.differed < 0.021 for each in found)


def test_none_and_at_once(silence):
    never = smallest_disagreement(*silence, int8=answer(), float32=answer(), shares=SHARES)
    assert [(each.differed, each.agreed) for each in never] == [(None, 0.5)] * 3
    assert str(never[1]) == "clip 1: one answer up to 0.5"
    now = smallest_disagreement(*silence, int8=answer((-1, 9)), float32=answer(), shares=SHARES)
    assert [(each.differed, each.agreed) for each in now] == [(0.0, 0.0)] * 3
    assert 'without any noise int8 says "go"' in str(now[0])
    with pytest.raises(ValueError, match="never differed on clip 2"):
        curve_of(never[2], silence[0], noise=silence[1], int8=answer(), float32=answer())


def test_a_tie_of_whole_numbers_is_no_disagreement(silence):
    def tied(loud):
        return np.full((len(loud), 12), 0.1)

    found = smallest_disagreement(*silence, int8=tied, float32=answer((0.05, 9)), shares=SHARES)
    assert [each.differed for each in found] == [None] * 3


def test_the_curve_reaches_twice_as_far(silence):
    pair = {"int8": answer((0.06, 9)), "float32": answer()}
    (found, *_) = smallest_disagreement(*silence, **pair, shares=SHARES)
    curve = curve_of(found, silence[0], noise=silence[1], **pair, levels=5)
    assert curve.shares.tolist() == pytest.approx(
        [0, found.differed / 2, found.differed, 1.5 * found.differed, 2 * found.differed]
    )
    assert curve.labels == (1, 0)
    assert curve.int8[:, 1].tolist() == [0.01, 0.01, 0.9, 0.9, 0.9]


def test_one_draw_for_each_clip_is_asked_for(silence):
    with pytest.raises(ValueError, match="give one draw of 16000 samples for each clip"):
        smallest_disagreement(silence[0], silence[1][:2], int8=answer(), float32=answer())
