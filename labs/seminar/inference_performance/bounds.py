"""How far a quantised network's scores may be from those in float32, layer by layer.

Three things are off by a little: weights and biases by their rounding, codes of activations by half
a step, by a multiplier of 31 bits and by what is clipped, and float32 by every addition. A function
handed in (exercise 6.7) bounds the sums of a layer from errors of its weights and inputs; ReLU and
max pooling hand errors on and never enlarge them. Centres are the activations of the network
in exact arithmetic.

Bounds are meant exactly. They are computed in float64, whose own rounding is bounded too and
added: a sum of n products in any order, with or without fused operations, is off by at most
``gamma * sum |w| |x|`` with ``gamma = n u / (1 - n u)`` and u half the gap at 1 (N. Higham,
Accuracy and Stability of Numerical Algorithms, 2nd ed. 2002, section 3.1), unless a number
underflows, for which the smallest normal number is added a term. A fast convolution that is no sum
of these products (Winograd's) is not covered. Nothing quantised runs here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from labs.seminar.inference_performance.int8_network import (
    LARGEST_CODE,
    LARGEST_WEIGHT,
    Int8Layer,
    Int8Network,
)
from labs.seminar.inference_performance.network import (
    LARGEST_PIXEL,
    SIDE,
    Layer,
    as_images,
    patches,
    pooled,
)

Floats = npt.NDArray[np.float64]
LayerBound = Callable[[Floats, Floats, Floats, Floats], npt.ArrayLike]
# Beside a sum of n terms: products and differences at four corners, ReLU, pooling, scales.
OWN_ROUNDINGS = 20


@dataclass(frozen=True, eq=False)
class ScoreRange:
    """Scores in exact arithmetic, and how far others may be from them.

    Parameters
    ----------
    exact
        (n, classes), of the float network, up to the rounding of float64, which is in the errors.
    int8_error
        (n, classes), bound on the distance of the scores in whole numbers.
    float32_error
        (n, classes), bound on the distance of scores computed in float32, in any order.
    """

    exact: Floats
    int8_error: Floats
    float32_error: Floats

    @property
    def change(self) -> Floats:
        """Bound on the distance between scores in whole numbers and scores in float32."""
        return self.int8_error + self.float32_error

    @property
    def low(self) -> Floats:
        """Lowest scores that either network may give."""
        return self.exact - np.maximum(self.int8_error, self.float32_error)

    @property
    def high(self) -> Floats:
        """Highest scores that either network may give."""
        return self.exact + np.maximum(self.int8_error, self.float32_error)


def score_range(
    layers: Sequence[Layer],
    network: Int8Network,
    *,
    pixels: npt.NDArray[np.uint8],
    layer_bound: LayerBound,
) -> ScoreRange:
    """Return the scores of some digits with bounds on what whole numbers and float32 change.

    Parameters
    ----------
    layers
        The float network, from `network.layers_of`.
    network
        Made from it by `int8_network.quantized`.
    pixels
        (n, 64), 0 to 255; a pixel enters both networks without an error.
    layer_bound
        Function of weights (outputs, inputs), their errors, inputs (inputs,) and their errors:
        the largest change of each output. It is called for every place of every layer.
    """

    def in_whole_numbers(number: int, *, places: Floats, errors: Floats) -> Floats:
        layer, small = layers[number], network.layers[number]
        weights = layer.weights.astype(np.float64)
        off = np.abs(weights - small.weight_scales[:, None] * small.weights)
        bias_off = np.abs(layer.biases - small.sum_scales * small.biases)
        found = np.array(
            [
                [layer_bound(weights, off, x, e) for x, e in zip(*image, strict=True)]
                for image in zip(places, errors, strict=True)
            ],
            dtype=np.float64,
        )
        return found + bias_off

    def in_float32(number: int, *, places: Floats, errors: Floats) -> Floats:
        rounding = _rounding(layers[number], places, errors, dtype=np.float32)
        return errors @ np.abs(layers[number].weights.astype(np.float64)).T + rounding

    images = pixels.reshape(-1, 1, SIDE, SIDE) / LARGEST_PIXEL
    exact, int8_error = _through(layers, images, spread=in_whole_numbers, small=network.layers)
    _, float32_error = _through(layers, images, spread=in_float32)
    return ScoreRange(exact, int8_error, float32_error)


def after_relu(values: Floats, errors: Floats) -> tuple[Floats, Floats]:
    """Return values after ReLU and their errors; where all that may be is below 0, it is exact.

    Parameters
    ----------
    values, errors
        Of the same shape, errors >= 0.

    Examples
    --------
    >>> values, errors = after_relu(np.array([2.0, -1.0, -3.0]), np.array([1.0, 1.5, 1.5]))
    >>> values.tolist(), errors.tolist()
    ([2.0, 0.0, 0.0], [1.0, 0.5, 0.0])
    """
    kept = np.where(values >= 0, errors, np.maximum(values + errors, 0.0))
    return np.maximum(values, 0.0), kept


def after_pooling(values: Floats, errors: Floats) -> tuple[Floats, Floats]:
    """Return the largest of every 2x2 square and its error.

    The largest of numbers in intervals lies between the largest low and the largest high end. The
    high end is at least as far: where the largest value is, both are as far as its error.

    Parameters
    ----------
    values, errors
        (n, channels, height, width), errors >= 0.
    """
    largest = pooled(values)
    return largest, pooled(values + errors) - largest


def after_rounding(values: Floats, errors: Floats, *, layer: Int8Layer) -> Floats:
    """Return the errors of activations once they are codes of a layer.

    Half a step is added, and what the multiplier of 31 bits is off by. Clipping at the largest
    code lowers nothing that the float network has below it; above, it is off by what is cut.

    Parameters
    ----------
    values, errors
        (n, places, outputs), after ReLU.
    layer
        Gives the steps.
    """
    step = layer.output_scale
    factors = layer.multipliers / 2.0**layer.shifts  # exact: 31 bits and a power of two
    unit = np.finfo(np.float64).eps
    multiplier_off = np.abs(factors * step / layer.sum_scales - 1) + 4 * unit
    is_zero = values + errors == 0
    off = errors + step / 2 + (values + errors) * multiplier_off
    largest = LARGEST_CODE * step
    return np.where(is_zero, 0.0, np.maximum(off, values - largest) * (1 + 4 * unit))


class Spread(Protocol):
    """Bounds on the sums of a layer from errors of its inputs."""

    def __call__(self, number: int, *, places: Floats, errors: Floats) -> Floats:
        """Return the errors (n, places, outputs) of the layer of this number.

        Parameters
        ----------
        number
            Of the layer, from 0.
        places, errors
            (n, places, inputs), its inputs and how far each may be off.
        """


def _through(
    layers: Sequence[Layer], images: Floats, *, spread: Spread, small: Sequence[Int8Layer] = ()
) -> tuple[Floats, Floats]:
    """Return scores and their errors; `small`: activations become codes of these layers."""
    values, errors = images, np.zeros_like(images)
    for number, layer in enumerate(layers[:-1]):
        places, off = patches(values), patches(errors)
        sums = places @ layer.weights.T.astype(np.float64) + layer.biases
        sum_errors = spread(number, places=places, errors=off)
        sum_errors += _rounding(layer, places, off, dtype=np.float64)
        activations, off = after_relu(sums, sum_errors)
        if small:
            off = after_rounding(activations, off, layer=small[number])
        values, errors = after_pooling(as_images(activations), as_images(off))
    last = len(layers) - 1
    places, off = values.reshape(len(images), 1, -1), errors.reshape(len(images), 1, -1)
    scores = places @ layers[last].weights.T.astype(np.float64) + layers[last].biases
    found = spread(last, places=places, errors=off) + _rounding(
        layers[last], places, off, dtype=np.float64
    )
    return scores[:, 0], found[:, 0]


def _rounding(layer: Layer, places: Floats, errors: Floats, *, dtype: type[np.floating]) -> Floats:
    """Bound the rounding of a layer's sums in a number format, weights off by a step at most."""
    terms = layer.weights.shape[1] + OWN_ROUNDINGS
    unit = float(np.finfo(dtype).eps) / 2
    gamma = terms * unit / (1 - terms * unit)
    # Corners of four are differences of products: their rounding counts twice.
    weights = np.abs(layer.weights.astype(np.float64))
    weights = 2 * (weights + weights.max() / LARGEST_WEIGHT)
    sizes = (np.abs(places) + errors) @ weights.T + 2 * np.abs(layer.biases)
    return np.asarray(gamma * sizes + terms * float(np.finfo(dtype).tiny))
