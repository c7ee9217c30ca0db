"""Systems under test: what they have to answer, and a table of them."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier

from labs.seminar.inference_performance import int8_network, network, programs, systems, trees
from labs.seminar.inference_performance.c_network import CompiledNetwork, int8_text
from labs.seminar.inference_performance.loadgen import LoadGen


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 17, (80, 64)).astype(np.uint8)
    labels = rng.integers(0, 10, 80)
    rows = pixels.astype(np.float32)
    oracle = RandomForestClassifier(4, max_depth=4, random_state=0).fit(rows, labels)
    native = programs.compiled(trees.from_sklearn(oracle), "native")
    images = torch.from_numpy(rows.reshape(-1, 1, 8, 8) / 16)
    model = network.trained((images, torch.from_numpy(labels)), epochs=1, seed=0)
    small = int8_network.quantized(network.layers_of(model), pixels)
    compiled = CompiledNetwork(int8_text(small))
    return [
        *systems.forest_systems(oracle, native, rows=rows, labels=labels),
        *systems.network_systems(model, small, compiled=compiled, pixels=pixels, labels=labels),
    ]


def test_every_system_answers_what_it_has_to(found):
    names = [one.name for one in found if "GPU" not in one.name]
    assert names == [
        "forest, scikit-learn",
        "forest, C",
        "network, PyTorch",
        "network, C in int8",
    ]
    for one in found:
        assert (one.classify(one.library.rows) == one.library.expected).all()
        assert len(one.labels) == len(one.library.rows)
        right = (np.asarray(one.library.expected) == one.labels).mean()
        assert one.top1.value == pytest.approx(right)


def test_choices_have_a_row_a_system(found):
    runs = {}
    for one in found:
        tester = LoadGen(one.library, seconds=0.05)
        for run in (tester.single_stream(one.classify), tester.offline(one.classify, samples=64)):
            runs[run.scenario, one.name] = run
    told = systems.choice_rows(found, runs)
    assert [row["system"] for row in told] == [one.name for one in found]
    assert all("ms" in row["p90, one by one"] and "1/s" in row["offline"] for row in told)
