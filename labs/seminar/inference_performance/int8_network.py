"""The network in whole numbers: weights of 8 bits, activations of 8 bits, sums of 32 bits.

    sum   = bias + weights * inputs        int32; weights -127..127, inputs 0..255
    code  = min(255, round(max(0, sum) * multiplier / 2**shift))     halves up

Weights are symmetric, with a scale for each output channel; of the last layer all outputs share
one, so that its sums are the scores and the largest sum is the class. Activations follow a ReLU:
they begin at 0, and their scale is the largest value that training digits reached, over 255; what
lies above is clipped. Pixels are 0 to 16 and enter as they are. This is the plain reference in
NumPy for the C text of `c_network`; it takes no gradient and no time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.seminar.inference_performance.network import (
    LARGEST_PIXEL,
    SIDE,
    Layer,
    as_images,
    patches,
    pooled,
)

LARGEST_WEIGHT, LARGEST_CODE = 127, 255
MULTIPLIER_BITS = 31
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Int8Layer:
    """A layer in whole numbers, with the scales that give them back their meaning.

    Parameters
    ----------
    weights
        (outputs, inputs), int8.
    biases
        (outputs,), int32, in units of weight scale times input scale.
    weight_scales
        (outputs,), > 0.
    input_scale, output_scale
        Of the codes that go in and come out, > 0; the last layer gives sums, and its output scale
        is 0.
    multipliers, shifts
        (outputs,): ``multiplier / 2**shift`` is close to weight scale times input scale over
        output scale; multipliers have 31 bits.
    """

    weights: npt.NDArray[np.int8]
    biases: npt.NDArray[np.int32]
    weight_scales: Floats
    input_scale: float
    output_scale: float
    multipliers: Ints
    shifts: Ints

    @property
    def sum_scales(self) -> Floats:
        """What a sum of 1 stands for, (outputs,)."""
        return self.weight_scales * self.input_scale

    def sums(self, places: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
        """Return the sums (n, places, outputs) of codes (n, places, inputs)."""
        found: npt.NDArray[np.int32] = places.astype(np.int32) @ self.weights.T.astype(np.int32)
        return found + self.biases

    def codes(self, sums: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
        """Return the codes of sums, in their shape: ReLU, multiplier, shift, clip."""
        products = np.maximum(sums, 0).astype(np.int64) * self.multipliers
        rounded = (products + (np.int64(1) << (self.shifts - 1))) >> self.shifts
        return np.asarray(np.minimum(rounded, LARGEST_CODE), dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class Int8Network:
    """The network in whole numbers.

    Parameters
    ----------
    layers
        Two convolutions and the linear layer.
    """

    layers: tuple[Int8Layer, Int8Layer, Int8Layer]

    def sums(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
        """Return the scores (n, classes) as int32 of pixels (n, 64)."""
        codes: npt.NDArray[np.uint8] = np.asarray(pixels).reshape(-1, 1, SIDE, SIDE)
        for layer in self.layers[:-1]:
            codes = pooled(as_images(layer.codes(layer.sums(patches(codes)))))
        return self.layers[-1].sums(codes.reshape(len(codes), 1, -1))[:, 0]

    def logits(self, pixels: npt.NDArray[np.uint8]) -> Floats:
        """Return the scores (n, classes) in the unit of the float network's."""
        return self.sums(pixels) * self.layers[-1].sum_scales

    def classes(self, pixels: npt.NDArray[np.uint8]) -> Ints:
        """Return the classes (n,), of equal scores the first."""
        return np.asarray(self.sums(pixels).argmax(axis=1), dtype=np.int64)

    @property
    def size_bytes(self) -> int:
        """Bytes of weights, biases, multipliers and shifts, as the C text stores them."""
        weights = sum(layer.weights.size for layer in self.layers)
        biases = sum(4 * layer.biases.size for layer in self.layers)
        return weights + biases + sum(5 * layer.multipliers.size for layer in self.layers)


def quantized(layers: Sequence[Layer], pixels: npt.NDArray[np.uint8]) -> Int8Network:
    """Return a network in whole numbers.

    Parameters
    ----------
    layers
        From `network.layers_of`.
    pixels
        (n, 64), training digits: they set the scales of the activations.

    Raises
    ------
    ValueError
        If a sum might not fit into 32 bits, or a multiplier not into its form.
    """
    first_largest, second_largest = _largest_activations(layers, pixels)
    scales = [1 / LARGEST_PIXEL, first_largest / LARGEST_CODE, second_largest / LARGEST_CODE]
    first, second, last = layers
    return Int8Network(
        (
            _layer(first, scales[0], scales[1]),
            _layer(second, scales[1], scales[2]),
            _layer(last, scales[2], None),
        )
    )


def _largest_activations(
    layers: Sequence[Layer], pixels: npt.NDArray[np.uint8]
) -> tuple[float, float]:
    images = pixels.reshape(-1, 1, SIDE, SIDE) / LARGEST_PIXEL
    largest = []
    for layer in layers[:2]:
        sums = patches(images) @ layer.weights.T.astype(np.float64) + layer.biases
        images = pooled(as_images(np.maximum(sums, 0)))
        largest.append(float(images.max()) or 1.0)  # a layer that is always 0 has any scale
    return largest[0], largest[1]


def _layer(layer: Layer, input_scale: float, output_scale: float | None) -> Int8Layer:
    weights = layer.weights.astype(np.float64)
    largest = np.abs(weights).max(axis=1)
    if output_scale is None:
        largest = np.full_like(largest, largest.max())
    scales = np.where(largest > 0, largest, 1.0) / LARGEST_WEIGHT
    whole = np.rint(weights / scales[:, None]).astype(np.int8)
    biases = np.rint(layer.biases / (scales * input_scale))
    _check_sums(whole, biases)
    if output_scale is None:
        none: Ints = np.zeros(0, dtype=np.int64)
        multipliers, shifts = none, none
    else:
        multipliers, shifts = fixed_point(scales * input_scale / output_scale)
    return Int8Layer(
        whole,
        biases.astype(np.int32),
        weight_scales=scales,
        input_scale=input_scale,
        output_scale=output_scale or 0.0,
        multipliers=multipliers,
        shifts=shifts,
    )


def _check_sums(weights: npt.NDArray[np.int8], biases: Floats) -> None:
    """Refuse a layer whose sums could leave 32 bits on the way, in any order."""
    most = np.abs(biases) + LARGEST_CODE * np.abs(weights.astype(np.int64)).sum(axis=1)
    if (most >= 2**31).any():
        output = int(most.argmax())
        raise ValueError(
            f"output {output} may reach {most.max():,.0f}, more than 32 bits hold: "
            "its bias is very large beside its weights"
        )


def fixed_point(factors: npt.ArrayLike) -> tuple[Ints, Ints]:
    """Return factors as ``multiplier / 2**shift``, multipliers from ``2**30`` below ``2**31``.

    Parameters
    ----------
    factors
        (n,), from ``2**-32`` below ``2**29``.

    Raises
    ------
    ValueError
        If a factor is outside of that range.

    Examples
    --------
    >>> multipliers, shifts = fixed_point([0.75, 0.001])
    >>> multipliers.tolist(), shifts.tolist()
    ([1610612736, 1099511628], [31, 40])
    """
    wanted = np.asarray(factors, dtype=np.float64)
    if not ((wanted >= 2.0**-32) & (wanted < 2.0**29)).all():
        raise ValueError(f"factors are {wanted.tolist()}; give numbers from 2**-32 below 2**29")
    mantissas, exponents = np.frexp(wanted)
    multipliers = np.rint(mantissas * 2**MULTIPLIER_BITS).astype(np.int64)
    carried = multipliers == 2**MULTIPLIER_BITS  # rounded up to the next power of two
    multipliers = np.where(carried, multipliers // 2, multipliers)
    return multipliers, MULTIPLIER_BITS - exponents.astype(np.int64) - carried
