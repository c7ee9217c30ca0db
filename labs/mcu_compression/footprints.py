"""What the network needs on a board at a width, a number of bits and a sparsity.

Generated code was measured at a few widths in int8. Between and beyond them flash follows the
weights, RAM the channels and time the multiply-accumulates: such numbers are called modelled. Fewer
bits and zeros save flash alone, since weights are unpacked before the same kernels work on them;
what unpacking takes in code and time is not counted. Nothing is generated or run here.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from course_utils.records import Kind, Result
from course_utils.units import BITS_PER_BYTE
from labs.shared import networks
from labs.shared.boards import Range

MEASURED_BITS = 8
POSITIONS = 25 * 5  # of every layer but the last
STEM_KERNEL = 10 * 4
DEPTHWISE_KERNEL = 3 * 3
CLASSES = 12


@dataclass(frozen=True)
class Measured:
    """The generated program of one width in int8, as measured.

    Parameters
    ----------
    width
        Of `networks.ds_cnn`.
    flash_bytes, ram_bytes
        What the program takes [B].
    cycles
        Core -> lowest and highest cycles of an inference; a core without an estimate is left out.
    """

    width: float
    flash_bytes: int
    ram_bytes: int
    cycles: Mapping[str, Range]


@dataclass(frozen=True)
class Footprint:
    """What a network needs.

    Parameters
    ----------
    flash, ram
        Bytes, ``counted`` where they were measured, else ``modelled``.
    cycles
        Core -> lowest and highest cycles of an inference.
    is_packed
        Whether weights would have to be unpacked, which is not in the cycles.
    """

    flash: Result
    ram: Result
    cycles: Mapping[str, Range]
    is_packed: bool


def channels_of(width: float) -> int:
    """Return the channels of `networks.ds_cnn` at a width.

    Examples
    --------
    >>> channels_of(0.25), channels_of(1.0)
    (16, 64)
    """
    return max(1, round(networks.CHANNELS * width))


def weights_of(channels: int) -> int:
    """Return how many weights the network has, biases aside.

    Examples
    --------
    >>> weights_of(64)  # 40 x 64 + 4 x (9 x 64 + 64 x 64) + 64 x 12
    22016
    """
    block = DEPTHWISE_KERNEL * channels + channels * channels
    return STEM_KERNEL * channels + networks.BLOCKS * block + CLASSES * channels


def macs_of(channels: int) -> int:
    """Return the multiply-accumulates of an inference.

    Examples
    --------
    >>> macs_of(64)
    2656768
    """
    last = CLASSES * channels
    return POSITIONS * (weights_of(channels) - last) + last


def stored_bytes(weights: int, *, bits: int, sparsity: float) -> int:
    """Return the bytes of weights, dense or as non-zero ones with a mask, whichever is less.

    Parameters
    ----------
    weights
        How many, zeros among them.
    bits
        Bits a weight, >= 1.
    sparsity
        Share of zeros, 0 to 1.

    Examples
    --------
    >>> stored_bytes(22_016, bits=8, sparsity=0.0), stored_bytes(22_016, bits=8, sparsity=0.5)
    (22016, 13760)
    """
    dense = math.ceil(weights * bits / BITS_PER_BYTE)
    kept = math.ceil(weights * (1 - sparsity))
    sparse = math.ceil(kept * bits / BITS_PER_BYTE) + math.ceil(weights / BITS_PER_BYTE)
    return min(dense, sparse)


def footprint(
    measured: Sequence[Measured], *, width: float, bits: int, sparsity: float
) -> Footprint:
    """Return what the network needs, from the widths measured on either side.

    Parameters
    ----------
    measured
        At least one, each of another width.
    width
        Of the network, > 0.
    bits
        Of each weight, 1 to 8.
    sparsity
        Share of single weights that are zero, 0 up to but not 1.

    Returns
    -------
    Footprint
        Intervals reach from what one neighbour says to what the other says.

    Raises
    ------
    ValueError
        If nothing was measured, or a number is out of its range.

    Examples
    --------
    >>> ours = [Measured(1.0, 31_184, 9_434, {"m4": (6.70e6, 7.78e6)})]
    >>> need = footprint(ours, width=0.5, bits=8, sparsity=0.0)
    >>> need.flash.describe("flash_bytes"), need.ram.describe("ram_bytes"), need.flash.kind
    ('16,080 B', '4,717 B', 'modelled')
    """
    if not measured:
        raise ValueError("nothing was measured; give at least one width")
    if not (0 < width < math.inf and 1 <= bits <= MEASURED_BITS and 0 <= sparsity < 1):
        raise ValueError(
            f"width is {width}, bits {bits}, sparsity {sparsity}; give width > 0, "
            f"bits 1 to {MEASURED_BITS} and 0 <= sparsity < 1"
        )
    near = _neighbours(measured, width)
    is_packed = bits < MEASURED_BITS or sparsity > 0
    is_measured = near[0][0].width == width
    channels = channels_of(width)
    stored = stored_bytes(weights_of(channels), bits=bits, sparsity=sparsity)
    return Footprint(
        flash=_between(
            near,
            lambda one: one.flash_bytes - weights_of(channels_of(one.width)) + stored,
            kind="counted" if is_measured and not is_packed else "modelled",
        ),
        ram=_between(
            near,
            lambda one: one.ram_bytes * channels / channels_of(one.width),
            kind="counted" if is_measured else "modelled",
        ),
        cycles=_cycles([one for one, _ in near], macs_of(channels)),
        is_packed=is_packed,
    )


def _neighbours(measured: Iterable[Measured], width: float) -> list[tuple[Measured, float]]:
    """Return the widths measured next below and above, with their weights in a mean."""
    ordered = sorted(measured, key=lambda one: one.width)
    below = [one for one in ordered if one.width <= width][-1:]
    above = [one for one in ordered if one.width >= width][:1]
    if not below or not above or below == above:
        return [((below or above)[0], 1.0)]
    share = (width - below[0].width) / (above[0].width - below[0].width)
    return [(below[0], 1 - share), (above[0], share)]


def _between(
    near: Sequence[tuple[Measured, float]], predict: Callable[[Measured], float], *, kind: Kind
) -> Result:
    said = [predict(one) for one, _ in near]
    low, high = min(said), max(said)
    value = sum(share * x for x, (_, share) in zip(said, near, strict=True))
    return Result(min(max(value, low), high), low, high, n=1, kind=kind)


def _cycles(near: Sequence[Measured], macs: int) -> dict[str, Range]:
    """Return the cycles on every core that all neighbours know, scaled by the products."""
    cores = set.intersection(*(set(one.cycles) for one in near))
    scaled = {
        core: [x * macs / macs_of(channels_of(one.width)) for one in near for x in one.cycles[core]]
        for core in sorted(cores)
    }
    return {core: (min(ends), max(ends)) for core, ends in scaled.items()}
