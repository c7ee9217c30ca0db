"""What the kernels of the fast stage share: tables, the short requantisation, templates."""

from typing import Any

import numpy as np
import numpy.typing as npt

from labs.mcu_compression.c_code import fast_text as text
from labs.mcu_compression.c_code.code import Place, Table
from labs.mcu_compression.integer.layers import Weighted


def rescale_function(place: Place, layer: Weighted) -> tuple[str, dict[str, str]]:
    """Return name and text of the function that makes a code of a doubled sum."""
    zero, limits = place.output.zero_point, (layer.low, layer.high)
    if layer.low == zero and limits == (-128, 127):
        name, why, body = "rescale", text.WHY_PLAIN, text.BODY_PLAIN
    else:
        name = f"rescale_{named(zero)}_{named(layer.low)}_{named(layer.high)}"
        why, body = text.WHY_SIGNED, filled(text.BODY_SIGNED, low=layer.low, high=layer.high)
    return name, {name: filled(text.RESCALE, rescale=name, why=why, body=body)}


def tables(place: Place, layer: Weighted, *, weights: npt.NDArray[Any]) -> tuple[Table, ...]:
    """Return a layer's tables: weights as given, doubled biases, multipliers, right shifts.

    Parameters
    ----------
    place, layer
        Where it stands, and the layer itself.
    weights
        In the order that its kernel reads.
    """
    n = place.number
    return (
        Table(f"w{n}", weights),
        Table(f"b{n}", (2 * layer.biases.astype(np.int64)).astype(np.int32)),
        Table(f"m{n}", layer.multipliers.astype(np.int32)),
        Table(f"s{n}", (-layer.shifts).astype(np.int8)),
    )


def call(place: Place, name: str) -> str:
    """Return the call of a layer's function with its tables."""
    n = place.number
    return f"{name}({{x}}, {{y}}, {{scratch}}, w{n}, b{n}, m{n}, s{n});"


def filled(template: str, **values: Any) -> str:
    """Return a template with every name between @ replaced.

    Examples
    --------
    >>> filled("int @name@[@size@];", name="x", size=3)
    'int x[3];'
    """
    for name, value in values.items():
        template = template.replace(f"@{name}@", str(value))
    return template


def named(number: int) -> str:
    """Return a number as part of a name in C.

    Examples
    --------
    >>> named(-128)
    'm128'
    """
    return str(number).replace("-", "m")


def rounded_up(number: int, step: int) -> int:
    """Return the next multiple of a step.

    Examples
    --------
    >>> rounded_up(5, 4), rounded_up(8, 4)
    (8, 8)
    """
    return -(-number // step) * step
