"""Affine quantisation: real numbers as small whole numbers, a scale and a zero point.

``value = scale * (code - zero_point)``, with signed codes of `bits` bits. A range of values gives a
`Grid`; weights get a symmetric grid for each output channel. What a grid costs is split into
rounding (inside the range, at most half a step) and saturation (outside, without bound). This
module knows no network; `labs.mcu_compression.quantization` does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Codes = npt.NDArray[np.int64]
Quantize = Callable[[Floats, float, int, int], npt.ArrayLike]  # (x, scale, zero_point, bits)
ChannelScales = Callable[[Floats, int], npt.ArrayLike]  # (weights, bits)
MIN_BITS, MAX_BITS = 2, 16


@dataclass(frozen=True)
class Grid:
    """The values that codes of some bits can stand for: ``scale * (code - zero_point)``.

    Parameters
    ----------
    scale
        Step between two values, > 0.
    zero_point
        The code of 0, within `lowest` to `highest`.
    bits
        Bits of a code, 2 to 16; codes are signed.

    Examples
    --------
    >>> grid = Grid.spanning(-0.5, 1.0, bits=2)
    >>> grid.scale, grid.zero_point, grid.values.tolist()
    (0.5, -1, [-0.5, 0.0, 0.5, 1.0])
    """

    scale: float
    zero_point: int
    bits: int

    def __post_init__(self) -> None:
        """Refuse what is no grid."""
        check_bits(self.bits)
        if not 0 < self.scale < float("inf"):
            raise ValueError(f"scale is {self.scale}; give a finite number above 0")
        if not self.lowest <= self.zero_point <= self.highest:
            span = f"{self.lowest} to {self.highest}"
            raise ValueError(f"zero_point is {self.zero_point}; with {self.bits} bits give {span}")

    @classmethod
    def spanning(cls, low: float, high: float, *, bits: int) -> "Grid":
        """Return the grid whose ends are those of a range, widened until it includes 0.

        Parameters
        ----------
        low, high
            Ends of the range, finite, ``low <= high``. If both are 0, the step is 1.
        bits
            Bits of a code, 2 to 16.
        """
        check_bits(bits)
        if not -float("inf") < low <= high < float("inf"):
            raise ValueError(f"the range is {low} to {high}; give finite ends in this order")
        low, high = min(low, 0.0), max(high, 0.0)
        lowest, steps = -(1 << bits - 1), (1 << bits) - 1
        # In float32, as it is shipped; a range below its smallest step counts as 0.
        scale = float(np.float32((high - low) / steps))
        if scale < np.finfo(np.float32).tiny:
            return cls(1.0, 0, bits)
        return cls(scale, min(max(round(lowest - low / scale), lowest), lowest + steps), bits)

    @property
    def lowest(self) -> int:
        """The smallest code."""
        return -(1 << self.bits - 1)

    @property
    def highest(self) -> int:
        """The largest code."""
        return (1 << self.bits - 1) - 1

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """Every value on the grid, ascending, (2**bits,)."""
        return self.restore(np.arange(self.lowest, self.highest + 1))

    def codes(self, x: npt.ArrayLike) -> Codes:
        """Return the nearest code of each value, those outside the range clamped to its ends."""
        exact = np.asarray(x, dtype=np.float64) / self.scale + self.zero_point
        return np.clip(np.rint(exact), self.lowest, self.highest).astype(np.int64)

    def restore(self, codes: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the values that codes stand for."""
        return self.scale * (np.asarray(codes, dtype=np.float64) - self.zero_point)


def channel_scales(weights: Floats, *, bits: int) -> npt.NDArray[np.float32]:
    """Return one symmetric scale for each output channel; the zero point of weights is 0.

    Parameters
    ----------
    weights
        (out, ...), finite.
    bits
        Bits of a code, 2 to 16; the codes used are -(2**(bits - 1) - 1) to 2**(bits - 1) - 1.

    Returns
    -------
    ndarray
        (out,), > 0; 1 for a channel of zeros.

    Examples
    --------
    >>> channel_scales(np.array([[0.5, -1.27], [0.0, 0.0]]), bits=8).tolist()
    [0.009999999776482582, 1.0]
    """
    check_bits(bits)
    flat = np.abs(np.asarray(weights, dtype=np.float64)).reshape(len(weights), -1)
    scales = (flat.max(1, initial=0.0) / ((1 << bits - 1) - 1)).astype(np.float32)
    return np.where(scales < np.finfo(np.float32).tiny, np.float32(1), scales)


def check_bits(bits: int) -> None:
    """Refuse a number of bits that no code here has.

    Raises
    ------
    ValueError
        If it lies outside 2 to 16, naming it.
    """
    if not (isinstance(bits, int) and MIN_BITS <= bits <= MAX_BITS):
        raise ValueError(f"bits is {bits!r}; give a whole number from {MIN_BITS} to {MAX_BITS}")


@dataclass(frozen=True)
class WeightError:
    """What rounding does to the weights of one layer, as a share of their own spread.

    Parameters
    ----------
    layer
        Its name.
    per_tensor, per_channel
        Root of the mean squared error with one scale for all weights, and with one scale for each
        output channel, divided by the root of the mean squared weight.
    widest
        The largest channel's peak over that of the median channel: how unlike the channels are.
    """

    layer: str
    per_tensor: float
    per_channel: float
    widest: float


def weight_error(
    name: str, weights: Floats, *, bits: int, quantize: Quantize, scales: ChannelScales
) -> WeightError:
    """Return the error of a layer's weights, rounded by functions such as a student's.

    Parameters
    ----------
    name, weights
        The layer, and its weights (out, ...).
    bits
        Bits of a code.
    quantize
        ``quantize(x, scale, zero_point, bits)`` returns codes of the shape of x.
    scales
        ``scales(weights, bits)`` returns one scale an output channel. One scale for the whole layer
        is asked for as if it were a single channel.
    """
    weights = np.asarray(weights, dtype=np.float64)
    whole = float(np.asarray(scales(weights.reshape(1, -1), bits), dtype=np.float64)[0])
    each = np.asarray(scales(weights, bits), dtype=np.float64)

    def relative_error(steps: Sequence[float]) -> float:
        restored = [
            step * np.asarray(quantize(channel, float(step), 0, bits), dtype=np.float64)
            for channel, step in zip(weights, steps, strict=True)
        ]
        return _rms(np.stack(restored) - weights) / _rms(weights)

    peaks = np.abs(weights).reshape(len(weights), -1).max(1)
    return WeightError(
        layer=name,
        per_tensor=relative_error([whole] * len(weights)),
        per_channel=relative_error(each.tolist()),
        widest=float(peaks.max() / np.median(peaks[peaks > 0])),
    )


@dataclass(frozen=True)
class RangeError:
    """What a range costs: root of the mean squared error over all values, split in two.

    Parameters
    ----------
    percent
        Share of the values that the range was chosen to hold, in percent.
    low, high
        The range.
    rounding
        The part of the error from values inside the range: at most half a step each.
    saturation
        The part from values outside: as far as they lie from the range.
    """

    percent: float
    low: float
    high: float
    rounding: float
    saturation: float

    @property
    def total(self) -> float:
        """Both parts together: the squares add up."""
        return float(np.hypot(self.rounding, self.saturation))


def percentile_range(values: Floats, percent: float = 100.0) -> tuple[float, float]:
    """Return the middle range that holds a share of the values, widened until it includes 0.

    Parameters
    ----------
    values
        Any shape, not empty.
    percent
        Share of the values that lie inside, above 0 to 100; 100 gives minimum and maximum.

    Examples
    --------
    >>> percentile_range(np.arange(101.0), 90.0)
    (0.0, 95.0)
    """
    if not 0 < percent <= 100:
        raise ValueError(f"percent is {percent}; give a share above 0, at most 100")
    tail = (100.0 - percent) / 2
    low, high = np.percentile(np.asarray(values, dtype=np.float64), [tail, 100.0 - tail])
    return min(float(low), 0.0), max(float(high), 0.0)


def range_error(
    values: Floats,
    percent: float,
    *,
    bits: int,
    grid: Callable[[float, float, int], object],
    quantize: Quantize,
) -> RangeError:
    """Return what quantisation over the middle `percent` of some values costs.

    Parameters
    ----------
    values
        Any shape.
    percent
        As for `percentile_range`.
    bits
        Bits of a code.
    grid, quantize
        ``grid(low, high, bits)`` returns scale and zero point, ``quantize(x, scale, zero_point,
        bits)`` codes: a student's functions, for instance.
    """
    values = np.asarray(values, dtype=np.float64).ravel()
    low, high = percentile_range(values, percent)
    scale, zero_point = np.asarray(grid(low, high, bits), dtype=np.float64)
    codes = np.asarray(quantize(values, float(scale), int(zero_point), bits), dtype=np.float64)
    squares = (scale * (codes - zero_point) - values) ** 2
    inside = (values >= low) & (values <= high)
    rounding, saturation = (
        float(np.sqrt(squares[part].sum() / values.size)) for part in (inside, ~inside)
    )
    return RangeError(percent, low, high, rounding, saturation)


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
