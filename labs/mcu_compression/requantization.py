"""From sums back to codes, in a whole network: what two roundings change, and who answers right.

The steps themselves are in `integer.fixed_point`. Here they are held against a single rounding, and
networks in whole numbers against those that play whole numbers with floats. It draws nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from course_utils import stats
from course_utils.records import Result
from labs.mcu_compression import training
from labs.mcu_compression.comparison import RESAMPLES
from labs.mcu_compression.integer.fixed_point import MULTIPLIER_BITS, clamped
from labs.mcu_compression.integer.layers import Codes, Weighted
from labs.mcu_compression.integer.network import IntegerNetwork
from labs.mcu_compression.integer.operators import sums_of
from labs.mcu_compression.quantization import QuantizedNetwork
from labs.shared.keywords import Clips

Sums = npt.NDArray[np.int64]
Requantize = Callable[[Sums, Any, Any, int], npt.ArrayLike]
MOST_CLIPS = 400  # whole numbers take NumPy ten milliseconds a clip


@dataclass(frozen=True, eq=False)
class LayerSums:
    """The sums of a layer for some clips, and the codes that the network makes of them.

    Parameters
    ----------
    layer
        With its multipliers and shifts.
    sums
        (clips, ..., out), biases included.
    zero_point
        Of the codes.
    codes
        In the shape of the sums.
    """

    layer: Weighted
    sums: Sums
    zero_point: int
    codes: Codes

    @property
    def largest(self) -> int:
        """The largest absolute sum."""
        return int(np.abs(self.sums).max())

    def requantized(self, requantize: Requantize) -> Codes:
        """Return the codes that a function makes of the sums, within the limits of the layer."""
        factors = self.layer.multipliers, self.layer.shifts
        found = np.asarray(requantize(self.sums, *factors, self.zero_point))
        return clamped(found.astype(np.int64), low=self.layer.low, high=self.layer.high)


@dataclass(frozen=True)
class Parting:
    """How many codes of a layer two ways of rounding make different.

    Parameters
    ----------
    layer
        Its name.
    codes, different
        How many there are, and how many differ.
    """

    layer: str
    codes: int
    different: int

    @property
    def per_thousand(self) -> float:
        """Codes that differ, of 1,000."""
        return 1000 * self.different / self.codes


def layer_sums(network: IntegerNetwork, codes: Codes) -> list[LayerSums]:
    """Return the sums of every layer with weights, in order.

    Parameters
    ----------
    network
        In whole numbers.
    codes
        Of the clips, (clips, height, width, channels).
    """
    values = {network.input: codes}
    found = []
    for layer, (_, made) in zip(network.layers, [*network.trace(codes)][1:], strict=True):
        values[layer.output] = made
        if isinstance(layer, Weighted):
            sums = sums_of(layer, values[layer.inputs[0]])
            found.append(LayerSums(layer, sums, network.tensors[layer.output].zero_point, made))
    return found


def rounded_once(found: LayerSums) -> Codes:
    """Return codes of sums that are rounded at the end alone, halves up.

    Parameters
    ----------
    found
        From `layer_sums`.
    """
    exponents = MULTIPLIER_BITS - found.layer.shifts.astype(np.int64)
    products = found.sums * found.layer.multipliers.astype(np.int64)
    rounded = (products + (np.int64(1) << (exponents - 1))) >> exponents
    return clamped(rounded + found.zero_point, low=found.layer.low, high=found.layer.high)


def partings(layers: Sequence[LayerSums], codes_of: Callable[[LayerSums], Codes]) -> list[Parting]:
    """Return for each layer how many codes differ from the network's.

    Parameters
    ----------
    layers
        From `layer_sums`.
    codes_of
        Makes codes of a layer's sums, such as `rounded_once`.
    """
    return [
        Parting(each.layer.name, each.codes.size, int((codes_of(each) != each.codes).sum()))
        for each in layers
    ]


def real_factors(quantized: QuantizedNetwork) -> dict[str, npt.NDArray[np.float64]]:
    """Return for each layer the real factors from sums to codes, (out,).

    Parameters
    ----------
    quantized
        Its factors are input scale times weight scale over output scale.
    """
    return {
        each.name: each.input.scale * each.weight_scales.astype(np.float64) / each.output.scale
        for each in quantized.codes()
    }


def factor_rows(
    layers: Sequence[LayerSums],
    factors: Mapping[str, npt.NDArray[np.float64]],
    *,
    multiplier_and_shift: Callable[[float], Any],
) -> list[dict[str, str | int]]:
    """Return a row for each layer: its factors, and how many a function writes as the network has.

    Parameters
    ----------
    layers
        From `layer_sums`.
    factors
        From `real_factors`.
    multiplier_and_shift
        Makes two whole numbers of a factor.
    """
    rows: list[dict[str, str | int]] = []
    for each in layers:
        real = factors[each.layer.name]
        written = [tuple(multiplier_and_shift(float(factor))) for factor in real]
        wanted = zip(each.layer.multipliers.tolist(), each.layer.shifts.tolist(), strict=True)
        same = sum(pair == want for pair, want in zip(written, wanted, strict=True))
        rows.append(
            {
                "layer": each.layer.name,
                "as yours": f"{same} of {len(real)}",
                "median factor": f"{np.median(real):.2g}",
                "smallest": f"{real.min():.2g}",
                "largest": f"{real.max():.2g}",
                "largest sum": each.largest,
            }
        )
    return rows


def input_codes(network: IntegerNetwork, features: Tensor) -> Codes:
    """Return what a network in whole numbers is handed, (clips, height, width, channels).

    Parameters
    ----------
    network
        In whole numbers.
    features
        (clips, channels, height, width), as the lab has them.
    """
    return network.codes(features.numpy().transpose(0, 2, 3, 1))


@dataclass(frozen=True)
class Agreement:
    """How whole numbers answer beside floats that play them, on the same clips.

    Parameters
    ----------
    clips, same
        How many there are, and on how many both answer the same.
    floats, whole
        Share of right answers, with the interval over speakers.
    loss
        How much less whole numbers get right, paired by clip.
    """

    clips: int
    same: int
    floats: Result
    whole: Result
    loss: Result

    def row(self, name: str) -> dict[str, str]:
        """Return it as a row of a table."""
        return {
            "network": name,
            "floats": self.floats.describe("top1"),
            "whole numbers": self.whole.describe("top1"),
            "lost": self.loss.describe("top1"),
            "same answer": f"{self.same:,} of {self.clips:,} clips",
        }


def beside_floats(
    network: IntegerNetwork,
    simulated: QuantizedNetwork,
    *,
    clips: Clips,
    features: Tensor,
    rng: np.random.Generator,
) -> Agreement:
    """Return how a network in whole numbers answers, beside the one that plays them with floats.

    Parameters
    ----------
    network, simulated
        The one was made of the other.
    clips, features
        The clips, and their features (n, 1, 49, 10); of more than `MOST_CLIPS` so many are drawn.
    rng
        Draws clips and, for the intervals, speakers.
    """
    drawn = np.sort(rng.permutation(len(features))[:MOST_CLIPS])
    speakers, labels = np.asarray(clips.clusters())[drawn].tolist(), clips.labels.numpy()[drawn]
    codes = network.run(input_codes(network, features[drawn]))
    whole = codes.reshape(len(drawn), -1).argmax(1)
    floats = training.logits(simulated, features[drawn]).argmax(1).numpy()
    right, seed = (floats == labels, whole == labels), int(rng.integers(2**32))
    # The same speakers for both, so that equal answers have equal intervals.
    top1 = [
        stats.cluster_bootstrap(
            each, speakers, rng=np.random.default_rng(seed), resamples=RESAMPLES
        ).result()
        for each in right
    ]
    loss = stats.paired_difference(*right, clusters=speakers, rng=rng, resamples=RESAMPLES)
    same = int((whole == floats).sum())
    return Agreement(len(drawn), same, floats=top1[0], whole=top1[1], loss=loss.result())
