"""Passes: from one network in whole numbers to another that computes the same with less work.

What is done to the network is kept apart from how C is written for it, so that each can be changed
alone. `c_code.stages` says which passes a stage applies, and each can be left out. Batch
normalisation is folded before anything is rounded, by `folding.fold`.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from labs.mcu_compression.integer.fixed_point import INT8
from labs.mcu_compression.integer.layers import Convolution, Layer, Weighted
from labs.mcu_compression.integer.network import IntegerNetwork

Pass = Callable[[IntegerNetwork], IntegerNetwork]


def fold_zero_points(network: IntegerNetwork) -> IntegerNetwork:
    """Return a network that subtracts no zero point: it is part of the biases.

    The sum of ``w * (x - zero_point)`` is the sum of ``w * x`` minus zero point times the sum of
    the weights. Places around the input now count: they hold the zero point's code, and their
    products cancel what the bias subtracts for them.

    Raises
    ------
    ValueError
        If a bias leaves int32.
    """
    layers = tuple(
        _folded(layer) if isinstance(layer, Weighted) else layer for layer in network.layers
    )
    return dataclasses.replace(network, layers=layers)


def _folded(layer: Weighted) -> Layer:
    totals = _rows(layer).sum(1)
    biases = layer.biases.astype(np.int64) - layer.input_zero_point * totals
    largest = int(np.abs(biases).max(initial=0))
    if largest >= 2**31:
        raise ValueError(
            f"{layer.name}: with its zero point folded, a bias of {largest:,} leaves int32"
        )
    return dataclasses.replace(layer, biases=biases.astype(np.int32), input_zero_point=0)


def largest_sums(layer: Weighted) -> npt.NDArray[np.int64]:
    """Return for each output channel a bound on the magnitude of its sum, int64 (out,).

    The bound holds for every input, every order of adding, and every part of the sum: a product
    may be left out. It is reached, but for the fewer weights that meet the input at its edge.
    """
    codes = [*INT8]
    if isinstance(layer, Convolution) and any(layer.padding):
        codes.append(layer.padding_code)
    differences = [code - layer.input_zero_point for code in codes]
    # With 0 in between, a product's ends lie on both sides of 0, so no part exceeds the whole.
    lowest, highest = min(0, *differences), max(0, *differences)
    rows, biases = _rows(layer), layer.biases.astype(np.int64)
    above = np.maximum(rows * highest, rows * lowest).sum(1) + biases
    below = np.minimum(rows * highest, rows * lowest).sum(1) + biases
    bounds: npt.NDArray[np.int64] = np.maximum(np.abs(above), np.abs(below))
    return bounds


def _rows(layer: Weighted) -> npt.NDArray[np.int64]:
    """Return the weights of each output channel as a row."""
    return layer.weights.reshape(layer.outputs, -1).astype(np.int64)
