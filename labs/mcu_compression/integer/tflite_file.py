"""Networks that others trained: an int8 .tflite file as a network in whole numbers.

`read_tflite` gives what TensorFlow Lite for Microcontrollers computes from the same file, code for
code. What could differ is refused: operators, types and shapes that are not known here, and sums
that might leave int32. The bytes are read by `tflite_content`, operators by `tflite_layers`.
"""

import dataclasses
import math
from collections import Counter
from pathlib import Path

from labs.mcu_compression.integer.fixed_point import INT8
from labs.mcu_compression.integer.layers import Layer, Pool, Tensor, Weighted
from labs.mcu_compression.integer.network import IntegerNetwork, macs_of
from labs.mcu_compression.integer.tflite_content import (
    FileContent,
    FileOperator,
    TfliteError,
    parse,
    read_bytes,
)
from labs.mcu_compression.integer.tflite_layers import READERS, Step

__all__ = ["TfliteError", "network_of", "read_tflite"]

MAX_WEIGHT_BYTES = 2 * 1024**2
MAX_ACTIVATION_BYTES = 1024**2
MAX_WORK = 10**9  # products, or codes that a pool looks at, for one clip


def read_tflite(path: Path | str) -> IntegerNetwork:
    """Return the network of an int8 .tflite file.

    Parameters
    ----------
    path
        With one input and one output of type int8, and a batch of one.

    Raises
    ------
    TfliteError
        If the file is damaged, or holds what is not computed exactly here; one line.
    ExtraMissingError
        If the package ``tflite`` is not installed.
    """
    path = Path(path)
    try:
        return network_of(read_bytes(path), name=path.stem)
    except TfliteError as err:
        raise TfliteError(f"{path.name}: {err}") from err


def network_of(content: bytes, *, name: str = "network") -> IntegerNetwork:
    """Return the network that the bytes of a .tflite file hold; errors as for `read_tflite`.

    Parameters
    ----------
    content
        All bytes of the file.
    name
        For titles; signs that could end a comment in C are replaced.
    """
    made = _Assembly(parse(content))
    for operator in made.content.operators:
        made.add(operator)
    output = made.positions.get(made.content.output)
    if not made.layers or output != made.layers[-1].output:
        raise TfliteError("its last operator does not write its output; convert the network again")
    is_plain = [each.isascii() and (each.isalnum() or each in " _-.") for each in name]
    title = "".join(each if plain else "_" for each, plain in zip(name, is_plain, strict=True))
    return IntegerNetwork(title, tuple(made.tensors), tuple(made.layers), 0, output)


class _Assembly:
    """Tensors and layers of the network, as far as its operators have been read."""

    def __init__(self, content: FileContent) -> None:
        self.content = content
        self.positions: dict[int, int] = {}  # of the file's tensors in the network
        self.tensors: list[Tensor] = []
        self.layers: list[Layer] = []
        self._names = Counter[str]()
        self._weight_bytes = self._work = 0
        self._append(content.input, _tensor(content, content.input, name="input"))

    def add(self, operator: FileOperator) -> None:
        """Read one operator and what it writes."""
        try:
            step = self._step(operator)
            layer = READERS[operator.kind](step)
        except ValueError as err:
            raise TfliteError(f"{operator.kind}: {err}") from err
        self._names[layer.name] += 1
        name = f"{layer.name} {self._names[layer.name]}"
        self._append(operator.outputs[0], dataclasses.replace(step.output, name=name))
        self.layers.append(dataclasses.replace(layer, name=name))
        self._check_size(layer, step.output)

    def _step(self, operator: FileOperator) -> Step:
        activations = operator.inputs[: 2 if operator.kind == "ADD" else 1]
        if not activations or any(at not in self.positions for at in activations):
            raise ValueError("an input is a constant or not computed yet; convert it otherwise")
        if len(operator.outputs) != 1 or operator.outputs[0] in self.positions:
            raise ValueError("it should have one output that nothing else writes; convert it again")
        positions = tuple(self.positions[at] for at in activations)
        output = _tensor(self.content, operator.outputs[0], name="output")
        inputs = tuple(self.tensors[at] for at in positions)
        return Step(self.content, operator, positions, len(self.tensors), inputs, output)

    def _append(self, at: int, tensor: Tensor) -> None:
        self.positions[at] = len(self.tensors)
        self.tensors.append(tensor)

    def _check_size(self, layer: Layer, output: Tensor) -> None:
        self._weight_bytes += layer.weights.nbytes if isinstance(layer, Weighted) else 0
        window = math.prod(layer.size) if isinstance(layer, Pool) else 1
        self._work += max(macs_of(layer, output), output.elements * window)
        if self._weight_bytes > MAX_WEIGHT_BYTES or self._work > MAX_WORK:
            raise TfliteError(
                f"{self._weight_bytes:,} B of weights and {self._work:,} operations by its layer "
                f"{len(self.layers)}, at most {MAX_WEIGHT_BYTES:,} and {MAX_WORK:,} are read; "
                "take a smaller network"
            )


def _tensor(content: FileContent, at: int, *, name: str) -> Tensor:
    """Return a tensor that is computed, if it is int8 of one clip."""
    file = content.tensors[at]
    if file.kind != "INT8":
        raise TfliteError(f"tensor {at} is {file.kind}; quantise all to int8, input and output too")
    if file.data is not None:
        raise TfliteError(f"tensor {at} is computed and a constant; convert the network again")
    if len(file.shape) < 2 or file.shape[0] != 1:
        raise TfliteError(f"tensor {at} has shape {file.shape}; convert with a batch of 1")
    if len(file.scales) != 1 or not 0 < file.scales[0] < math.inf:
        raise TfliteError(f"tensor {at} has no one scale above 0; quantise the network to int8")
    if not INT8[0] <= file.zero_points[0] <= INT8[1]:
        raise TfliteError(
            f"tensor {at} has zero point {file.zero_points[0]}; one of int8 is needed"
        )
    tensor = Tensor(name, file.shape[1:], float(file.scales[0]), int(file.zero_points[0]))
    if tensor.elements > MAX_ACTIVATION_BYTES:
        raise TfliteError(
            f"tensor {at} has {tensor.elements:,} elements, at most {MAX_ACTIVATION_BYTES:,} are "
            "read; take a smaller network"
        )
    return tensor
