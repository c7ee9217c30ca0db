"""The group lasso: what dies stays dead and is exact to remove; and what BN washes out."""

import numpy as np
import pytest
import torch

from labs.mcu_compression import channels, lasso, training
from labs.mcu_compression.given import shrink_groups
from labs.shared.networks import KEYWORD_SHAPE, ds_cnn


def features(n: int = 30) -> torch.Tensor:
    return torch.randn(n, *KEYWORD_SHAPE, generator=torch.Generator().manual_seed(0))


def test_only_readers_change_what_a_training_step_sees() -> None:
    network = ds_cnn(width=0.25, seed=3)
    before = lasso.training_scores(network, features())
    changes = {
        place: float((lasso.training_scores(changed, features()) - before).abs().mean())
        for place in ("maker", "normaliser", "reader")
        for changed in [lasso.weakened(network, place, factor=0.1)]
    }
    # Normalisation adds 1e-5 to a variance, so the first two wash out up to some parts in 100.
    assert changes["maker"] < 0.05 * changes["reader"]
    assert changes["normaliser"] < 0.05 * changes["reader"]
    with pytest.raises(ValueError, match="place is 'stem'"):
        lasso.weakened(network, "stem", factor=0.1)  # type: ignore[arg-type]


def test_training_scores_leave_the_network_alone() -> None:
    network = ds_cnn(width=0.25)
    before = {name: values.clone() for name, values in network.state_dict().items()}
    lasso.training_scores(network, features())
    assert network.training
    assert all(torch.equal(values, before[n]) for n, values in network.state_dict().items())


def test_a_step_shrinks_and_keeps_the_norm_of_the_layer() -> None:
    network = ds_cnn(width=0.25)
    before = [weights.clone() for weights in channels.readers(network)]
    press = lasso.GroupLasso(shrink_groups, pace=0.2, left=1)
    press(network)
    for old, new in zip(before, channels.readers(network), strict=True):
        threshold = 0.2 * float(old.norm()) / len(old) ** 0.5
        want = torch.as_tensor(shrink_groups(old.numpy(), threshold))
        torch.testing.assert_close(new, want * (old.norm() / want.norm()), rtol=1e-5, atol=1e-6)
        assert float(new.norm()) == pytest.approx(float(old.norm()), rel=1e-5)


def test_pressure_ends_dead_stays_dead_and_removal_is_exact() -> None:
    network = ds_cnn(width=0.25)
    labels = torch.arange(30) % 12
    press = lasso.GroupLasso(shrink_groups, pace=0.12, left=50)
    settings = training.Settings(epochs=12, batch=10, learning_rate=1e-3)
    training.tune(network, (features(), labels), settings=settings, after_step=press)
    left = [sum(int(np.count_nonzero(norms)) for norms in step) for step in press.norms]
    assert len(left) == 36
    assert left[-1] <= 50 < left[0]
    assert left == sorted(left, reverse=True)
    end = next(i for i, count in enumerate(left) if count <= 50)
    assert left[end:] == [left[end]] * len(left[end:])
    small = channels.slim(network, lasso.alive(network))
    assert sum(channels.channel_counts(small)) == left[-1]
    torch.testing.assert_close(
        training.logits(small, features()),
        training.logits(network, features()),
        atol=1e-5,
        rtol=1e-4,
    )


def test_the_last_channel_of_a_set_is_never_taken() -> None:
    network = ds_cnn(width=0.25)
    press = lasso.GroupLasso(shrink_groups, pace=100.0, left=1)
    press(network)
    assert min(len(rows) for rows in lasso.alive(network)) >= 1


def test_faults_are_named() -> None:
    with pytest.raises(ValueError, match="pace is 0"):
        lasso.GroupLasso(shrink_groups, pace=0, left=3)
    with pytest.raises(TypeError, match="Linear has no sets of channels"):
        lasso.GroupLasso(shrink_groups, pace=0.1, left=3)(torch.nn.Linear(2, 2))
