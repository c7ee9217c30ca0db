"""The comparison of kernels: its rows, and counts that repeat."""

import pytest
import torch

from labs.mcu_compression import binary, binary_bench, binary_code
from labs.mcu_compression.quantization import quantize_network
from labs.shared.networks import KEYWORD_SHAPE, ds_cnn


def test_rows_of_the_comparison():
    features = torch.randn(40, *KEYWORD_SHAPE, generator=torch.Generator().manual_seed(0))
    made = ds_cnn(width=0.5, seed=3)
    binary.refresh_statistics(made, features)
    versions = {"int8": quantize_network(made, features, weight_bits=8)}
    for activations in ("int8", "sign"):
        low = binary.low_bit(made, weights="ternary", activations=activations)
        versions[f"ternary, {activations}"] = binary.quantize(low, features)
    rows = binary_bench.compare(versions, stage="naive")
    assert [row["version"] for row in rows] == list(versions)
    assert [row["kernel"] for row in rows] == ["int8", "packed weights, int8", "XOR and bit count"]
    instructions = [row["instructions"] for row in rows]
    assert instructions[0] > instructions[1] > 2 * instructions[2] > 0
    sizes = [row["bytes"] for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    again = binary_bench.compare(versions, stage="naive")
    assert again == rows
    with pytest.raises(ValueError, match="read int8; train with activations='sign'"):
        binary_code.xnor_layers(versions["ternary, int8"])
