"""Networks for the tests: one that learnt digits a little, and random ones."""

import functools

import numpy as np
import torch

from course_utils import data
from labs.seminar.inference_performance import network
from labs.seminar.inference_performance.int8_network import Int8Network, quantized

Layers = tuple[network.Layer, network.Layer, network.Layer]


@functools.cache
def learnt() -> tuple[torch.nn.Sequential, Layers, Int8Network]:
    """A network after two epochs, its layers, and the same in whole numbers."""
    digits = data.load("digits")
    images, labels = torch.from_numpy(digits.x), torch.from_numpy(digits.y)
    model = network.trained((images, labels), epochs=2, seed=0)
    layers = network.layers_of(model)
    return model, layers, quantized(layers, network.pixels_of(digits.x))


def random_layers(seed: int, *, size: float = 1.0) -> Layers:
    """Layers with normal weights, a row of zeros and a few outliers among them."""
    rng = np.random.default_rng(seed)
    found = []
    for outputs, inputs in ((8, 9), (16, 72), (10, 64)):
        weights = rng.normal(0, size / inputs**0.5, (outputs, inputs))
        weights[rng.integers(outputs), rng.integers(inputs)] *= 20
        weights[rng.integers(outputs)] = 0
        biases = rng.normal(0, 0.1, outputs)
        found.append(network.Layer(weights.astype(np.float32), biases.astype(np.float32)))
    first, second, last = found
    return first, second, last


def random_pixels(seed: int, *, count: int, most: int = 16) -> np.ndarray:
    """Pictures of random pixels."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, most + 1, (count, 64)).astype(np.uint8)
