"""Shapes of layers for the energy bounds of exercise 8.1, and the bounds as parts of a bar.

The energies are published, the arithmetic is the student's or the given function's: everything here
is modelled, a lower bound that no chip reaches. Nothing is measured.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from course_utils import units
from course_utils.records import Result
from labs.seminar.ml_systems_metrics.published import HOROWITZ_PJ

PJ_PER_UJ = 1e6
LayerEnergy = Callable[[tuple[int, ...], str, Mapping[str, float]], tuple[float, float]]


@dataclass(frozen=True)
class Shape:
    """A convolution of stride 1, padded so that height and width stay.

    Parameters
    ----------
    in_channels, out_channels
        Channels, >= 1.
    kernel
        Side of the square kernel.
    height, width
        Of input and output.
    """

    in_channels: int
    out_channels: int
    kernel: int
    height: int
    width: int

    @property
    def numbers(self) -> tuple[int, ...]:
        """The five numbers in this order."""
        return (self.in_channels, self.out_channels, self.kernel, self.height, self.width)

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of one input."""
        return self.in_channels * self.out_channels * self.kernel**2 * self.height * self.width


# A pointwise and a full convolution of the keyword spotter's size, one of an image network, and a
# fully connected layer, which uses every weight once.
SHAPES = {
    "pointwise 64-64, 25x5": Shape(64, 64, 1, 25, 5),
    "3x3 64-64, 25x5": Shape(64, 64, 3, 25, 5),
    "3x3 64-64, 56x56": Shape(64, 64, 3, 56, 56),
    "fully connected 1024-1024": Shape(1024, 1024, 1, 1, 1),
}


def energy_bars(
    layer_energy_pj: LayerEnergy, shapes: Mapping[str, Shape] = SHAPES
) -> dict[str, dict[str, Result]]:
    """Return arithmetic and memory of each layer and precision as shares of their sum [1].

    Parameters
    ----------
    layer_energy_pj
        ``layer_energy_pj(shape, precision, table)``, as in exercise 8.1.
    shapes
        Name of a layer to its shape.
    """
    bars = {}
    for name, shape in shapes.items():
        for precision in ("float32", "int8"):
            parts = layer_energy_pj(shape.numbers, precision, HOROWITZ_PJ)
            told = units.format_number(sum(parts) / PJ_PER_UJ)
            bars[f"{name}, {precision}: {told} uJ"] = {
                part: _modelled(value / sum(parts))
                for part, value in zip(("arithmetic", "DRAM"), parts, strict=True)
            }
    return bars


def _modelled(value: float) -> Result:
    return Result(value, value, value, n=1, kind="modelled")
