"""A layer of whole numbers as a circuit, one adder an output, one input a clock; its simulation.

The circuit is described with Amaranth (extra ``fpga``) for the layer's own weights: they are wired
in. A counter walks through a table of weights; each output has a multiplier of 4 by 4 bits and a
sum in a register of the circuit's width, which begins with the bias. After ``inputs + 1`` clocks
all sums are there. A sum that does not fit its register loses its upper bits, as hardware does.
Nothing is placed on a chip here; `synthesis` does that.
"""

import hashlib
import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.engine.errors import ExtraMissingError
from labs.engine.extras import install_command

Ints = npt.NDArray[np.int64]

INPUT_BITS = 4
LOW, HIGH = -8, 7  # what four bits hold, of a weight as of an input


@dataclass(frozen=True, eq=False)
class Layer:
    """A linear layer of whole numbers.

    Parameters
    ----------
    weights
        (outputs, inputs), int64, each from -8 to 7.
    biases
        (outputs,), int64.

    Raises
    ------
    ValueError
        If shapes do not agree or a weight needs more than 4 bits.
    """

    weights: Ints
    biases: Ints

    def __post_init__(self) -> None:
        """Refuse what no circuit can be made of."""
        if self.weights.ndim != 2 or self.biases.shape != self.weights.shape[:1]:
            raise ValueError(
                f"weights have the shape {self.weights.shape} and biases {self.biases.shape}; "
                "give (outputs, inputs) and (outputs,)"
            )
        _refuse_wide(self.weights, "weight")

    @property
    def sha256(self) -> str:
        """Hash of shape and numbers, by which a record knows its layer."""
        shape = np.array(self.weights.shape)
        parts = [np.ascontiguousarray(x, dtype="<i8") for x in (shape, self.weights, self.biases)]
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


@dataclass(frozen=True, eq=False)
class Circuit:
    """A circuit for a layer.

    Parameters
    ----------
    layer
        Its weights are part of the circuit.
    bits
        Width of every sum, 1 to 64.

    Raises
    ------
    ValueError
        If there is no such width.
    """

    layer: Layer
    bits: int

    def __post_init__(self) -> None:
        """Refuse widths that mean nothing."""
        if not 1 <= self.bits <= 64:
            raise ValueError(f"sums of {self.bits} bits: take 1 to 64")


@dataclass(frozen=True, eq=False)
class Simulation:
    """What a simulated circuit answered.

    Parameters
    ----------
    sums
        (rows, outputs), int64: what the registers held when the circuit said that it is done.
    clocks
        From the first input of a row until then, the same for every row.
    """

    sums: Ints
    clocks: int


@dataclass(frozen=True)
class Design:
    """The description of a circuit in Amaranth: its module and the signals that lead outside."""

    module: Any
    start: Any  # 1 while the first input is there
    value: Any  # the input, signed, 4 bits
    sums: tuple[Any, ...]  # one an output
    done: Any  # 1 for one clock: the sums are final

    @property
    def ports(self) -> list[Any]:
        """The signals that become pins, beside clock and reset."""
        return [self.start, self.value, self.done, *self.sums]


def exact_sums(layer: Layer, rows: npt.NDArray[Any]) -> Ints:
    """Return the sums (rows, outputs) of a layer, in 64 bits.

    Parameters
    ----------
    layer
        Any.
    rows
        (rows, inputs), whole numbers from -8 to 7.
    """
    return np.asarray(rows, dtype=np.int64) @ layer.weights.T + layer.biases


def wrap(sums: Ints, bits: int) -> Ints:
    """Return what registers of so many bits keep of sums.

    Parameters
    ----------
    sums
        int64, any shape.
    bits
        1 to 64.

    Examples
    --------
    >>> wrap(np.array([7, 8, -8, -9, 16]), 4).tolist()
    [7, -8, -8, 7, 0]
    """
    lost = 64 - bits
    return (sums << lost) >> lost


def extreme_rows(layer: Layer) -> Ints:
    """Return the rows (2 * outputs, inputs) that make each sum as small and as large as it gets.

    Examples
    --------
    >>> extreme_rows(Layer(np.array([[3, -2]]), np.array([10]))).tolist()
    [[-8, 7], [7, -8]]
    """
    lowest = np.where(layer.weights > 0, LOW, HIGH)
    highest = np.where(layer.weights > 0, HIGH, LOW)
    return np.concatenate([lowest, highest]).astype(np.int64)


def simulate(circuit: Circuit, rows: npt.NDArray[Any]) -> Simulation:
    """Return what a circuit answers, clock by clock, one row after the other.

    Parameters
    ----------
    circuit
        Any.
    rows
        (rows, inputs), whole numbers from -8 to 7, at least one row.

    Raises
    ------
    ExtraMissingError
        If Amaranth is not installed, with the remedy.
    ValueError
        If rows have the wrong shape or need more than 4 bits.
    """
    checked = _checked(rows, circuit.layer.weights.shape[1])
    design = describe(circuit)
    kept: list[list[int]] = []
    clocks: set[int] = set()

    async def feed(context: Any) -> None:
        for row in checked.tolist():
            passed = 0
            context.set(design.start, 1)
            for value in row:
                context.set(design.value, value)
                await context.tick()
                context.set(design.start, 0)
                passed += 1
            while not context.get(design.done):
                await context.tick()
                passed += 1
            kept.append([context.get(one) for one in design.sums])
            clocks.add(passed)

    simulator = _amaranth("sim").Simulator(design.module)
    simulator.add_clock(1e-6)
    simulator.add_testbench(feed)
    simulator.run()
    (each,) = clocks
    return Simulation(np.array(kept, dtype=np.int64), each)


def describe(circuit: Circuit) -> Design:
    """Return the description of a circuit, anew each time.

    Raises
    ------
    ExtraMissingError
        If Amaranth is not installed, with the remedy.
    """
    hdl = _amaranth("hdl")
    outputs, inputs = circuit.layer.weights.shape
    start, done = hdl.Signal(name="start"), hdl.Signal(name="done")
    value = hdl.Signal(hdl.signed(INPUT_BITS), name="value")
    shape = hdl.signed(circuit.bits)
    sums = tuple(hdl.Signal(shape, name=f"sum{output}") for output in range(outputs))
    module = hdl.Module()
    place = hdl.Signal(range(inputs + 1), name="place")  # of the input that is there now
    held, is_adding = hdl.Signal.like(value, name="held"), hdl.Signal(name="is_adding")
    is_first = start & (place == 0)
    is_busy = start | (place != 0)
    weights = _table(module, circuit.layer, place)
    # The table answers a clock later, so the input waits a clock too.
    module.d.sync += [held.eq(value), is_adding.eq(is_busy & (place < inputs))]
    module.d.sync += done.eq(place == inputs)
    with module.If(is_busy):
        module.d.sync += place.eq(hdl.Mux(place == inputs, 0, place + 1))
    for output, one in enumerate(sums):
        weight = weights[INPUT_BITS * output : INPUT_BITS * (output + 1)].as_signed()
        with module.If(is_first):
            module.d.sync += one.eq(int(circuit.layer.biases[output]))
        with module.Elif(is_adding):
            module.d.sync += one.eq(one + weight * held)
    return Design(module, start, value, sums, done)


def _table(module: Any, layer: Layer, place: Any) -> Any:
    """Add the table of weights, a line an input, and return what it gives for a place."""
    outputs, inputs = layer.weights.shape
    lines = [
        sum((int(weight) & 15) << (INPUT_BITS * output) for output, weight in enumerate(column))
        for column in layer.weights.T
    ]
    width = _amaranth("hdl").unsigned(INPUT_BITS * outputs)
    table = _amaranth("lib.memory").Memory(shape=width, depth=inputs, init=lines)
    module.submodules.table = table
    port = table.read_port()
    module.d.comb += port.addr.eq(place)
    return port.data


def _amaranth(name: str) -> Any:
    try:
        return importlib.import_module(f"amaranth.{name}")
    except ModuleNotFoundError as err:
        if not str(err.name).startswith("amaranth"):
            raise
        raise ExtraMissingError(
            f"circuits are described with amaranth, not installed; run: {install_command('fpga')}"
        ) from err


def _checked(rows: npt.NDArray[Any], inputs: int) -> Ints:
    array = np.asarray(rows)
    if array.ndim != 2 or array.shape[1] != inputs or not len(array):
        raise ValueError(f"rows have the shape {array.shape}; give (1 or more, {inputs})")
    if array.dtype.kind not in "iu":
        raise ValueError(f"rows are of {array.dtype}; give whole numbers")
    _refuse_wide(array, "input")
    return array.astype(np.int64)


def _refuse_wide(numbers: npt.NDArray[Any], name: str) -> None:
    if numbers.size and not (numbers.min() >= LOW and numbers.max() <= HIGH):
        raise ValueError(
            f"{name}s lie in {numbers.min()} to {numbers.max()}; four bits hold {LOW} to {HIGH}"
        )
