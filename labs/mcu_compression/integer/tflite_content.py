"""What a .tflite file holds: its tensors and operators as plain data, with every length checked.

A file may come from anywhere, so nothing in it is believed: counts and sizes are compared with
limits before anything is read by them, and what does not fit is a `TfliteError` that names the
file. What the operators mean is for `tflite_layers` to say; nothing is computed here. The format
is a flatbuffer with TensorFlow Lite's schema (package ``tflite``, extra ``mcu``).
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.engine.errors import ExtraMissingError, LabError
from labs.engine.extras import install_command

IDENTIFIER = b"TFL3"
MAX_FILE_BYTES = 8 * 1024**2
MAX_TENSORS, MAX_OPERATORS, MAX_BUFFERS = 2000, 500, 4000
MAX_DIMENSIONS, MAX_ELEMENTS, MAX_SCALES, MAX_OPERANDS = 6, 2 * 1024**2, 4096, 8
NEW_CODE_FIELD = 10  # in the table of an operator's code
# What flatbuffers and NumPy raise where an offset or a length points out of the file.
DAMAGE = (struct.error, IndexError, TypeError, ValueError, AttributeError, OverflowError)

# Operators that can be read -> class of their options, and which of these are used.
WINDOW = ("Padding", "StrideH", "StrideW")
OPTIONS = {
    "CONV_2D": (
        "Conv2DOptions",
        (*WINDOW, "DilationHFactor", "DilationWFactor", "FusedActivationFunction"),
    ),
    "DEPTHWISE_CONV_2D": (
        "DepthwiseConv2DOptions",
        (*WINDOW, "DilationHFactor", "DilationWFactor", "FusedActivationFunction"),
    ),
    "FULLY_CONNECTED": ("FullyConnectedOptions", ("WeightsFormat", "FusedActivationFunction")),
    "AVERAGE_POOL_2D": (
        "Pool2DOptions",
        (*WINDOW, "FilterHeight", "FilterWidth", "FusedActivationFunction"),
    ),
    "MAX_POOL_2D": (
        "Pool2DOptions",
        (*WINDOW, "FilterHeight", "FilterWidth", "FusedActivationFunction"),
    ),
    "MEAN": ("ReducerOptions", ()),
    "ADD": ("AddOptions", ("FusedActivationFunction",)),
    "SOFTMAX": ("SoftmaxOptions", ("Beta",)),
    "RESHAPE": ("ReshapeOptions", ()),
    "PAD": ("PadOptions", ()),
}


class TfliteError(LabError):
    """A .tflite file cannot be read exactly; the message names it, what is wrong, and a remedy."""


@dataclass(frozen=True, eq=False)
class FileTensor:
    """A tensor as the file has it.

    Parameters
    ----------
    shape
        Each at least 1, the batch first.
    kind
        ``INT8``, ``INT32``, ...
    scales
        float32; one, one for each channel, or none.
    zero_points
        int64, as many.
    axis
        Along which the scales run, if there are several.
    data
        uint8, of a constant; None for what an operator computes.
    """

    shape: tuple[int, ...]
    kind: str
    scales: npt.NDArray[np.float32]
    zero_points: npt.NDArray[np.int64]
    axis: int
    data: npt.NDArray[np.uint8] | None


@dataclass(frozen=True, eq=False)
class FileOperator:
    """An operator as the file has it.

    Parameters
    ----------
    kind
        Such as ``CONV_2D``.
    inputs, outputs
        Positions of its tensors; -1 for one that is left out.
    options
        Those of `OPTIONS`, by the schema's names.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class FileContent:
    """The one graph of a file.

    Parameters
    ----------
    tensors, operators
        In the file's order.
    input, output
        Positions of tensors.
    """

    tensors: tuple[FileTensor, ...]
    operators: tuple[FileOperator, ...]
    input: int
    output: int


def read_bytes(path: Path) -> bytes:
    """Return the content of a file that is not too large.

    Raises
    ------
    TfliteError
        If it cannot be read, or is larger than `MAX_FILE_BYTES`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as err:
        raise TfliteError(f"cannot be read ({err.strerror}); give a .tflite file") from err
    if len(content) > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES // 1024**2
        raise TfliteError(f"more than {limit} MiB, too large for a microcontroller")
    return content


def parse(content: bytes) -> FileContent:
    """Return what a file holds.

    Parameters
    ----------
    content
        All its bytes.

    Raises
    ------
    TfliteError
        If it is no .tflite file, damaged, or holds what is not read here.
    ExtraMissingError
        If the package ``tflite`` is not installed.
    """
    schema = _schema()
    if content[4:8] != IDENTIFIER:
        raise TfliteError("no .tflite file: its bytes 4 to 7 are not TFL3; convert the network")
    try:
        return _content(schema, schema.Model.GetRootAs(content, 0))
    except DAMAGE as err:
        raise TfliteError("damaged or cut off; download or convert it again") from err


def _content(schema: Any, model: Any) -> FileContent:
    if model.SubgraphsLength() != 1:
        raise TfliteError(f"{model.SubgraphsLength()} subgraphs; convert a network without control")
    graph = model.Subgraphs(0)
    _limit("tensors", graph.TensorsLength(), MAX_TENSORS)
    _limit("operators", graph.OperatorsLength(), MAX_OPERATORS)
    _limit("buffers", model.BuffersLength(), MAX_BUFFERS)
    _limit("kinds of operators", model.OperatorCodesLength(), MAX_OPERATORS)
    for name, count in (("inputs", graph.InputsLength()), ("outputs", graph.OutputsLength())):
        if count != 1:
            raise TfliteError(f"the network has {count} {name}; convert one with one")
    kinds = _names(schema.TensorType)
    tensors = tuple(_tensor(model, n, kinds=kinds) for n in range(graph.TensorsLength()))
    operators = tuple(
        _operator(schema, model, operator=graph.Operators(n), count=len(tensors))
        for n in range(graph.OperatorsLength())
    )
    ends = int(graph.Inputs(0)), int(graph.Outputs(0))
    for at in ends:
        _position(at, len(tensors))
    return FileContent(tensors, operators, *ends)


def _tensor(model: Any, at: int, *, kinds: Mapping[int, str]) -> FileTensor:
    tensor, title = model.Subgraphs(0).Tensors(at), f"tensor {at}"
    if tensor.Sparsity() is not None or tensor.IsVariable():
        raise TfliteError(f"{title} is sparse or a variable; convert a plain network")
    scales, zero_points, axis = np.zeros(0, np.float32), np.zeros(0, np.int64), 0
    quantization = tensor.Quantization()
    if quantization is not None and quantization.ScaleLength():
        scales = quantization.ScaleAsNumpy()
        zero_points = np.zeros(len(scales), np.int64)
        if quantization.ZeroPointLength():
            zero_points = quantization.ZeroPointAsNumpy()
        axis = int(quantization.QuantizedDimension())
    _limit(f"scales of {title}", len(scales), MAX_SCALES)
    if len(zero_points) != len(scales):
        raise TfliteError(
            f"{title} has {len(scales)} scales and {len(zero_points)} zero points: damaged; "
            "convert the network again"
        )
    kind = kinds.get(tensor.Type(), f"type {tensor.Type()}")
    return FileTensor(
        _shape(tensor, title), kind, scales, zero_points, axis, _data(model, tensor.Buffer())
    )


def _shape(tensor: Any, title: str) -> tuple[int, ...]:
    _limit(f"dimensions of {title}", tensor.ShapeLength(), MAX_DIMENSIONS)
    _limit(f"dimensions of {title}", tensor.ShapeSignatureLength(), MAX_DIMENSIONS)
    shape = tuple(int(tensor.Shape(n)) for n in range(tensor.ShapeLength()))
    # -1 in the signature says that a size may change; for the batch, one clip is what we take.
    known = [int(tensor.ShapeSignature(n)) for n in range(1, tensor.ShapeSignatureLength())]
    if any(size < 1 for size in (*shape, *known)):
        raise TfliteError(f"{title}: shape {shape} is not fixed; convert with fixed shapes")
    _limit(f"elements of {title}", math.prod(shape), MAX_ELEMENTS)
    return shape


def _data(model: Any, at: int) -> npt.NDArray[np.uint8] | None:
    """Return a constant's bytes: a view of the file, checked by NumPy against its end."""
    buffer = model.Buffers(_position(at, model.BuffersLength()))
    if not buffer.DataLength():
        return None
    data: npt.NDArray[np.uint8] = buffer.DataAsNumpy()
    return data


def _operator(schema: Any, model: Any, *, operator: Any, count: int) -> FileOperator:
    code = model.OperatorCodes(_position(operator.OpcodeIndex(), model.OperatorCodesLength()))
    number = max(_new_code(code), code.DeprecatedBuiltinCode())
    kind = _names(schema.BuiltinOperator).get(number, f"operator {number}")
    if kind not in OPTIONS:
        raise TfliteError(f"operator {kind} is not supported; use only: {', '.join(OPTIONS)}")
    _limit(f"operands of {kind}", operator.InputsLength(), MAX_OPERANDS)
    _limit(f"operands of {kind}", operator.OutputsLength(), MAX_OPERANDS)
    inputs = tuple(int(operator.Inputs(n)) for n in range(operator.InputsLength()))
    outputs = tuple(int(operator.Outputs(n)) for n in range(operator.OutputsLength()))
    for at in (*outputs, *(at for at in inputs if at != -1)):
        _position(at, count)
    return FileOperator(kind, inputs, outputs, _options(schema, operator, kind=kind))


def _new_code(code: Any) -> int:
    """Return the field that files before 2020 lack; TensorFlow Lite takes the larger of the two.

    The package's own ``BuiltinCode`` prefers the old field instead.
    """
    table = code._tab
    offset = table.Offset(NEW_CODE_FIELD)
    return int(struct.unpack_from("<i", table.Bytes, table.Pos + offset)[0]) if offset else 0


def _options(schema: Any, operator: Any, *, kind: str) -> dict[str, float]:
    name, fields = OPTIONS[kind]
    table = operator.BuiltinOptions()
    if not fields:
        return {}
    if table is None or operator.BuiltinOptionsType() != getattr(schema.BuiltinOptions, name):
        raise TfliteError(f"an operator {kind} has no {name}; convert the network again")
    options = getattr(schema, name)()
    options.Init(table.Bytes, table.Pos)
    return {field: getattr(options, field)() for field in fields}


def _limit(what: str, value: int, limit: int) -> None:
    if value > limit:
        raise TfliteError(
            f"{value:,} {what}, at most {limit:,} are read; convert a smaller network"
        )


def _position(at: int, count: int) -> int:
    if not 0 <= at < count:
        raise TfliteError(f"it refers to part {at} of {count}: damaged; convert the network again")
    return at


def _names(kind: Any) -> dict[int, str]:
    """Return value -> name of one of the schema's enumerations."""
    return {value: name for name, value in vars(kind).items() if name.isupper()}


def _schema() -> Any:
    try:
        import tflite  # noqa: PLC0415 - an extra
    except ImportError as err:
        raise ExtraMissingError(
            f"no reader of .tflite files: tflite is not installed; run: {install_command('mcu')}"
        ) from err
    return tflite
