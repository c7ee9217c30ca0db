"""Channels that go: exactness, consistency, and what is refused."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import counting
from labs.mcu_compression import channels
from labs.mcu_compression.given import strongest_channels
from labs.shared.networks import DSCNN, KEYWORD_SHAPE, ds_cnn

EXAMPLE = torch.randn(3, *KEYWORD_SHAPE, generator=torch.Generator().manual_seed(1))


def lively(*, width: float = 0.25, seed: int = 0) -> DSCNN:
    """Return a network whose batch normalisations hold numbers of their own, in eval mode."""
    network = ds_cnn(width=width, seed=seed)
    rng = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            for values in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                assert values is not None
                values.data = torch.rand(values.shape, generator=rng) + 0.2
    return network.eval()


def scores(network: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return network(EXAMPLE)  # type: ignore[no-any-return]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.sets(st.integers(0, 15), min_size=1), min_size=5, max_size=5), st.integers(0, 99)
)
def test_slim_computes_what_the_hushed_network_computes(kept: list[set[int]], seed: int) -> None:
    network = lively(seed=seed)
    sets = [sorted(rows) for rows in kept]
    small, quiet = channels.slim(network, sets), channels.hush(network, sets)
    assert channels.channel_counts(small) == tuple(map(len, sets))
    # The same float32 products, added in another order: some 10 layers of up to 160 terms.
    size = float(scores(quiet).abs().max())
    torch.testing.assert_close(scores(small), scores(quiet), rtol=1e-4, atol=1e-5 * max(1, size))


def test_all_channels_kept_is_the_network_itself() -> None:
    network = lively()
    everything = [range(16)] * 5
    small = channels.slim(network, [list(rows) for rows in everything])
    assert torch.equal(scores(small), scores(network))
    assert small.state_dict().keys() == network.state_dict().keys()


def test_order_of_the_kept_channels_does_not_matter_to_the_scores() -> None:
    network = lively()
    rising = channels.slim(network, [[0, 3, 7, 9]] * 5)
    shuffled = channels.slim(network, [[9, 0, 7, 3]] * 5)
    torch.testing.assert_close(scores(shuffled), scores(rising), rtol=1e-4, atol=1e-5)


def test_parameters_and_macs_are_those_of_the_counts() -> None:
    counts = (7, 5, 9, 3, 6)
    found = counting.count(channels.SlimDSCNN(counts), EXAMPLE[:1])
    places = 25 * 5
    stem, head = 40 * counts[0], counts[-1] * 12
    pairs = list(itertools.pairwise(counts))
    depthwise, pointwise = sum(9 * a for a, _ in pairs), sum(a * b for a, b in pairs)
    biases = counts[0] + sum(a + b for a, b in pairs) + 12
    assert found.params == stem + head + depthwise + pointwise + biases
    assert found.macs == (stem + depthwise + pointwise) * places + head


def test_slim_network_is_a_dscnn_of_the_same_width() -> None:
    wide, slim = ds_cnn(width=0.25), channels.SlimDSCNN((16,) * 5)
    slim.load_state_dict(wide.state_dict())
    assert torch.equal(scores(slim.eval()), scores(wide.eval()))
    kinds = [[type(layer) for layer in network.modules()][1:] for network in (slim, wide)]
    assert kinds[0] == kinds[1]


def test_slim_keeps_the_mode_and_leaves_the_network_alone() -> None:
    network = lively()
    before = {name: values.clone() for name, values in network.state_dict().items()}
    assert not channels.slim(network, [[1, 2]] * 5).training
    assert channels.slim(network.train(), [[1, 2]] * 5).training
    channels.hush(network, [[1, 2]] * 5)
    assert all(torch.equal(values, before[n]) for n, values in network.state_dict().items())


def test_slim_of_a_slim_network() -> None:
    once = channels.slim(lively(), [[0, 2, 4, 6]] * 5)
    twice = channels.slim(once, [[1, 3]] * 5)
    direct = channels.slim(lively(), [[2, 6]] * 5)
    torch.testing.assert_close(scores(twice), scores(direct))


def test_readers_are_views_of_what_the_next_layer_reads() -> None:
    network = lively()
    for weights in channels.readers(network):
        weights.zero_()
    state = network.state_dict()
    assert not any(state[f"{name}.weight"].any() for name in ("blocks.0.3", "blocks.3.3", "head.3"))
    assert state["stem.1.weight"].any()
    assert state["blocks.0.0.weight"].any()


def test_choose_takes_the_share_of_each_set() -> None:
    kept = channels.choose(lively(), strongest_channels, share=0.25)
    assert [len(rows) for rows in kept] == [4] * 5
    weights = channels.readers(lively())[1].numpy()
    norms = np.linalg.norm(weights, axis=1)
    assert norms[kept[1]].min() > np.delete(norms, kept[1]).max()
    assert [len(x) for x in channels.choose(lively(), strongest_channels, share=0.01)] == [1] * 5


def test_faults_are_named() -> None:
    with pytest.raises(ValueError, match=r"kept has 4 sets; this network has 5"):
        channels.slim(lively(), [[0]] * 4)
    for rows in ([], [16], [-1], [2, 2], [[1]]):
        with pytest.raises(ValueError, match=r"kept\[2\].*0 to 15"):
            channels.slim(lively(), [[0], [0], rows, [0], [0]])
    with pytest.raises(ValueError, match=r"channels is \(4, 0\)"):
        channels.SlimDSCNN((4, 0))
    with pytest.raises(ValueError, match=r"share is 1\.5"):
        channels.choose(lively(), strongest_channels, share=1.5)
