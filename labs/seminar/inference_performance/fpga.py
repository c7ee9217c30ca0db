"""The layer that this lab makes circuits of, and what came of it: from the tools here, or recorded.

The layer reads digits: 64 pixels as whole numbers from -8 to 7 go in, 10 scores come out. It is a
linear layer of its own, fitted in one step to the training digits (ridge regression) and rounded to
4 bits; it is not part of the network that the lab trains. It is kept in ``recorded.json`` together
with what Amaranth's simulator, Yosys and nextpnr gave for it, so that every number there belongs to
just this layer. Where the tools are not installed, that record stands in and says so.

``python -m labs.seminar.inference_performance.fpga`` fits the layer, runs the tools and writes the
record anew, which takes minutes.
"""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from course_utils import data
from labs.engine.errors import ExtraMissingError, LabError
from labs.seminar.inference_performance import synthesis
from labs.seminar.inference_performance.circuit import (
    HIGH,
    LOW,
    Circuit,
    Ints,
    Layer,
    exact_sums,
    extreme_rows,
    simulate,
)
from labs.seminar.inference_performance.synthesis import Synthesis, synthesise

RECORD = Path(__file__).with_name("recorded.json")
WIDTHS = range(8, 20)  # those in the record; from 20 on, the chip has too few pins
PENALTY = 1000.0  # of the regression, on squared weights of pixels from 0 to 15
STEPS_PER_DEVIATION = 7 / 3  # a weight of three standard deviations becomes 7
HERE = "made here"
T = TypeVar("T")


@dataclass(frozen=True)
class Trial:
    """A simulated circuit against NumPy: which of its sums were wrong.

    Parameters
    ----------
    bits
        Width of the sums.
    clocks
        For one row.
    digits, extremes
        Rows that were tried: test digits, and those with the smallest and largest sums.
    wrong_digits, wrong_extremes
        Rows of them with a wrong sum.
    """

    bits: int
    clocks: int
    digits: int
    extremes: int
    wrong_digits: int
    wrong_extremes: int


def read_layer(path: Path = RECORD) -> Layer:
    """Return the layer of the record: 64 inputs, 10 outputs."""
    fields = _record(path)["layer"]
    return Layer(*(np.array(fields[name], dtype=np.int64) for name in ("weights", "biases")))


def pixel_codes(images: npt.NDArray[Any]) -> Ints:
    """Return digits (n, 1, 8, 8), with pixels from 0 to 1, as rows (n, 64) of -8 to 7.

    A pixel is a number of sixteenths, from which 8 is taken away; 16 sixteenths count as 15.

    Examples
    --------
    >>> pixel_codes(np.array([[[[0.0, 0.5, 0.9375, 1.0]]]])).tolist()
    [[-8, 0, 7, 7]]
    """
    sixteenths = np.rint(images.reshape(len(images), -1) * 16).astype(np.int64)
    codes: Ints = np.minimum(sixteenths, HIGH - LOW) + LOW
    return codes


def accuracy(layer: Layer, rows: Ints, *, labels: npt.NDArray[Any]) -> float:
    """Return the share of rows whose largest score is that of their label.

    Parameters
    ----------
    layer, rows
        As for `exact_sums`.
    labels
        (rows,), from 0.
    """
    return float((exact_sums(layer, rows).argmax(axis=1) == labels).mean())


def try_circuit(circuit: Circuit) -> tuple[Trial, str]:
    """Return what the simulated circuit gets wrong, and where that comes from.

    Parameters
    ----------
    circuit
        Any; without Amaranth one of the record.

    Raises
    ------
    LabError
        If neither Amaranth nor a record of this circuit is there.
    """
    return _here_or_recorded(lambda: _trial(circuit), "trials", circuit=circuit, make=_as_trial)


def place_circuit(
    circuit: Circuit, *, seeds: Sequence[int] = synthesis.SEEDS
) -> tuple[Synthesis, str]:
    """Return what the circuit takes of the chip, and where that comes from.

    Parameters
    ----------
    circuit
        Any; without the tools one of the record.
    seeds
        As for `synthesise`; a record has its own.

    Raises
    ------
    LabError
        If neither the tools nor a record of this circuit are there.
    """
    return _here_or_recorded(
        lambda: synthesise(circuit, seeds=seeds),
        "syntheses",
        circuit=circuit,
        make=synthesis.from_json,
    )


def recorded(part: str, circuit: Circuit, *, path: Path = RECORD) -> Mapping[str, Any]:
    """Return what the record holds of a circuit.

    Parameters
    ----------
    part
        ``trials`` or ``syntheses``.
    circuit
        Which one.
    path
        The record.

    Raises
    ------
    LabError
        If it is of another layer, or has no such width; the message says which it has.
    """
    record = _record(path)
    if circuit.layer.sha256 != record["layer"]["sha256"]:
        raise LabError(f"{path.name} is of another layer; install the tools to try this one")
    found: dict[int, Mapping[str, Any]] = {fields["bits"]: fields for fields in record[part]}
    if circuit.bits not in found:
        widths = ", ".join(map(str, found))
        raise LabError(f"{path.name} has {part} of {widths} bits, none of {circuit.bits}")
    return found[circuit.bits]


def fit_layer() -> Layer:
    """Return the layer that the record begins with: a ridge regression rounded to 4 bits."""
    train = data.load("digits", split="train")
    pixels = pixel_codes(train.x) - LOW
    design = np.column_stack([pixels, np.ones(len(pixels))])
    targets = 2.0 * np.eye(10)[train.y] - 1
    square = design.T @ design + PENALTY * np.eye(design.shape[1])
    fitted = np.linalg.solve(square, design.T @ targets).T
    scale = STEPS_PER_DEVIATION / fitted[:, :-1].std()
    weights = np.clip(np.rint(fitted[:, :-1] * scale), LOW, HIGH).astype(np.int64)
    # The circuit's inputs are pixels less 8, so each bias takes in 8 times its weights.
    biases = np.rint(fitted[:, -1] * scale).astype(np.int64) - LOW * weights.sum(axis=1)
    return Layer(weights, biases)


def make_record(widths: Sequence[int] = WIDTHS) -> str:
    """Fit the layer, run the tools for each width and return the text of the record.

    Parameters
    ----------
    widths
        Those of the sums [bits].

    Raises
    ------
    LabError
        If a tool is missing or fails.
    """
    layer = fit_layer()
    record = {
        "made": f"{datetime.now(UTC):%Y-%m-%d}",
        "tools": synthesis.versions(),
        "chip": synthesis.CHIP,
        "trials": [vars(_trial(Circuit(layer, bits))) for bits in widths],
        "syntheses": [synthesise(Circuit(layer, bits)).as_json() for bits in widths],
        "layer": {
            "sha256": layer.sha256,
            "biases": layer.biases.tolist(),
            "weights": layer.weights.tolist(),
        },
    }
    lines = [f" {json.dumps(key)}: {_rows(value)}" for key, value in record.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _rows(value: Any) -> str:
    """Return JSON with a line for each item, and for each output of the layer."""
    if isinstance(value, dict) and "weights" in value:
        *rest, weights = (f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
        weights = weights.replace("], [", "],\n   [").replace("[[", "[\n   [")
        return "{\n" + ",\n".join([*rest, weights]) + "\n }"
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"  {json.dumps(item)}" for item in value) + "\n ]"
    return json.dumps(value)


def _trial(circuit: Circuit) -> Trial:
    extremes = extreme_rows(circuit.layer)
    digits = pixel_codes(data.load("digits", split="test").x)
    rows = np.concatenate([extremes, digits])
    answered = simulate(circuit, rows)
    is_wrong = (answered.sums != exact_sums(circuit.layer, rows)).any(axis=1)
    return Trial(
        bits=circuit.bits,
        clocks=answered.clocks,
        digits=len(digits),
        extremes=len(extremes),
        wrong_digits=int(is_wrong[len(extremes) :].sum()),
        wrong_extremes=int(is_wrong[: len(extremes)].sum()),
    )


def _as_trial(fields: Mapping[str, Any]) -> Trial:
    return Trial(**fields)


def _here_or_recorded(
    run: Callable[[], T], part: str, *, circuit: Circuit, make: Callable[[Mapping[str, Any]], T]
) -> tuple[T, str]:
    try:
        return run(), HERE
    except ExtraMissingError:
        record = _record(RECORD)
        tools = ", ".join(f"{name} {version}" for name, version in record["tools"].items())
        # The remedy itself names a path of this machine, which is nothing for a notebook.
        origin = f"recorded on {record['made']} with {tools}; not installed here: lab doctor fpga"
        return make(recorded(part, circuit)), origin


@functools.cache
def _record(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    RECORD.write_text(make_record(), encoding="utf-8", newline="\n")
