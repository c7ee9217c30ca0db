"""The transformer: its sizes, that it cannot look ahead, and that weights follow from a seed."""

import pytest
import torch

from labs.shared.transformer import SIZES, transformer

CODES = torch.randint(0, 65, (2, 64), generator=torch.Generator().manual_seed(3))


def test_a_character_changes_nothing_before_it():
    model = transformer("tiny").eval()
    other = CODES.clone()
    other[:, 40] = (other[:, 40] + 1) % 65
    with torch.no_grad():
        first, second = model(CODES), model(other)
    assert torch.equal(first[:, :40], second[:, :40])
    assert not torch.equal(first[:, 40:], second[:, 40:])


def test_sequences_of_a_batch_do_not_see_each_other():
    model = transformer("tiny").eval()
    with torch.no_grad():
        torch.testing.assert_close(model(CODES)[:1], model(CODES[:1]))


def test_places_are_told_apart():
    model = transformer("tiny").eval()
    same = torch.full((1, 64), 7)
    with torch.no_grad():
        logits = model(same)[0]
    assert not torch.allclose(logits[3], logits[30], atol=1e-3)


def test_weights_follow_from_the_seed_and_torchs_own_state_is_left_alone():
    before = torch.random.get_rng_state()
    first, second, third = (transformer("tiny", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert any(
        not torch.equal(a, b) for a, b in zip(first.parameters(), third.parameters(), strict=True)
    )


def test_dropout_is_for_training_alone():
    model = transformer("tiny", dropout=0.5)
    with torch.no_grad():
        assert not torch.equal(model(CODES), model(CODES))
        model.eval()
        assert torch.equal(model(CODES), model(CODES))


def test_each_size_is_larger_than_the_one_before():
    with torch.device("meta"):
        models = [transformer(size) for size in SIZES]
    counts = [sum(p.numel() for p in model.parameters()) for model in models]
    assert counts == sorted(counts)
    assert counts[0] == 111_040
    assert counts[-1] > 1e9


def test_a_size_that_does_not_exist():
    with pytest.raises(ValueError, match="size is 'giant'; one of tiny, small"):
        transformer("giant")
