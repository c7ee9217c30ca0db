"""The given split layers against the whole layer, on ranks that wait for each other."""

import threading

import numpy as np
import pytest

from labs.engine.together import together
from labs.gpu_training import split_layers
from labs.gpu_training.given import splitting


class AllReduce:
    """Ranks as threads: each gets the sum of what all hand in."""

    def __init__(self, ranks):
        self.barrier, self.values = threading.Barrier(ranks), {}

    def of(self, rank):
        def call(values):
            self.values[rank] = values
            self.barrier.wait(10)
            total = sum(self.values.values())
            self.barrier.wait(10)
            return total

        return call


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_ranks_together_are_the_whole_layer(ranks):
    rng = np.random.default_rng(ranks)
    layer = split_layers.drawn(rng, batch=3, width=5, hidden=8)
    shared = AllReduce(ranks)
    weights = (layer.up, layer.down)
    asked = {"gradient": layer.gradient, "ranks": ranks}
    found = together(
        [
            lambda rank=rank: splitting.column_row_mlp(
                layer.x, weights, rank=rank, all_reduce=shared.of(rank), **asked
            )
            for rank in range(ranks)
        ]
    )
    for whole, gradient in found:
        np.testing.assert_allclose(whole, layer.output(), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(gradient, layer.input_gradient(), rtol=1e-12, atol=1e-12)
