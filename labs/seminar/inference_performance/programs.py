"""One forest as several programs: compiled here, entered for a race, or made for a microcontroller.

What the programs look like is written in `c_trees`, what they take is measured in `contests` and
counted in `microcontroller`; here the parts are put together.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.records import Result
from labs.seminar.inference_performance import counters
from labs.seminar.inference_performance.c_network import int8_text
from labs.seminar.inference_performance.c_trees import (
    Layout,
    forest_source,
)
from labs.seminar.inference_performance.compiled import CompiledForest, compile_forests
from labs.seminar.inference_performance.contests import Contestant
from labs.seminar.inference_performance.fixed_point import fixed_point
from labs.seminar.inference_performance.int8_network import Int8Network
from labs.seminar.inference_performance.keys import C_TYPES, Keys
from labs.seminar.inference_performance.microcontroller import Firmware, scaled
from labs.seminar.inference_performance.trees import Tree, leaves_of


def compiled(
    forest: Sequence[Tree],
    layout: Layout,
    *,
    keys: Keys | None = None,
    own: Callable[..., Any] | None = None,
) -> CompiledForest:
    """Return a forest compiled for this machine, with scores in double.

    Parameters
    ----------
    forest
        As `trees.from_sklearn` gives it.
    layout, keys, own
        As for `c_trees.forest_source`.
    """
    return compile_forests([forest_source(forest, layout, keys=keys, own=own)])[0]


def contestant(name: str, forest: CompiledForest, *, rows: npt.NDArray[Any]) -> Contestant:
    """Return a compiled forest as it enters a race, with its rows encoded.

    Parameters
    ----------
    name
        For tables and figures.
    forest
        Compiled here.
    rows
        (n, features), as scikit-learn takes them.
    """
    prefix = forest.text.prefix
    one, many = (getattr(forest.functions, f"{prefix}forest_{end}") for end in ("class", "classes"))
    return Contestant(name, one, many, forest.text.encode(rows))


def firmware(
    forest: Sequence[Tree],
    layout: Layout,
    *,
    rows: npt.NDArray[Any],
    keys: Keys | None = None,
    own: Callable[..., Any] | None = None,
) -> Firmware:
    """Return a forest for a microcontroller, with leaves in fixed point and rows encoded.

    Parameters
    ----------
    forest, layout, keys, own
        As for `compiled`.
    rows
        (n, features), as scikit-learn takes them.
    """
    text = forest_source(forest, layout, keys=keys, own=own, values="fixed")
    name = f"forest, {layout}, {C_TYPES[text.keys.name]}"
    encoded = text.encode(rows)
    expected = _fixed_classes(text.keys.of_forest(forest), encoded, shift=text.shift or 0)
    return Firmware(name, text.source, f"{text.prefix}forest_class", encoded, expected)


def network_firmware(network: Int8Network, pixels: npt.NDArray[np.uint8]) -> Firmware:
    """Return the network in whole numbers for a microcontroller.

    Parameters
    ----------
    network
        From `int8_network.quantized`.
    pixels
        (n, 64), 0 to 16.
    """
    expected = network.classes(pixels)
    return Firmware("network, int8", int8_text(network), "network_class", pixels, expected)


def counter_rows(
    forests: Mapping[str, CompiledForest], rows: npt.NDArray[Any]
) -> list[dict[str, str]]:
    """Return what the processor counts for a row, for each program, as rows of a table.

    Parameters
    ----------
    forests
        Name to a compiled forest.
    rows
        (n, features), all classified by one call; counts are shared out among them.
    """
    found = []
    for name, forest in forests.items():
        counts = counters.count(functools.partial(forest.classes_of, forest.text.encode(rows)))
        if isinstance(counts, counters.NotCountable):
            return [{"program": "any", "counted": f"nothing: {counts.reason}"}]
        row = {"program": name}
        for event in counters.HARDWARE:
            total = counts.results.get(event)
            told = scaled(total, 1 / len(rows)).describe("") if total else "-"
            row[f"{event.replace('_', ' ')} a row"] = told
        found.append(row)
    return found


def factor(numerator: Result, denominator: Result) -> Result:
    """Return how many times one quantity is another, from the ends of both intervals.

    Parameters
    ----------
    numerator, denominator
        Above 0, measured or counted apart from each other; the interval is on the safe side.
    """
    ratio = numerator.value / denominator.value
    low, high = numerator.low / denominator.high, numerator.high / denominator.low
    return Result(ratio, low, high, n=min(numerator.n, denominator.n), kind=numerator.kind)


def _fixed_classes(
    forest: Sequence[Tree], rows: npt.NDArray[Any], *, shift: int
) -> npt.NDArray[np.int64]:
    """Return the classes (n,) that leaves in fixed point give, worked out in NumPy."""
    sums = sum(fixed_point(tree["values"], shift)[leaves_of(tree, rows)] for tree in forest)
    return np.asarray(np.asarray(sums).argmax(axis=1), dtype=np.int64)
