"""The small network as C text, in float32 and in whole numbers, and as a library on this machine.

Both texts have the same three functions; a picture is 64 numbers, row by row::

    void network_logits(const PIXEL *image, LOGIT *logits);        ten scores
    int network_class(const PIXEL *image);                         of equal scores the first
    void network_classes(const PIXEL *images, int n, int *classes);

In float32 PIXEL and LOGIT are ``float`` and pixels lie in [0, 1]; in whole numbers PIXEL is
``uint8_t`` with pixels from 0 to 16, and LOGIT is ``int32_t``. The text includes nothing but
stdint.h, so it also runs on a microcontroller (`device_text`). Loops are plain: no vector
instructions are written. Nothing is fused or reordered, so both texts give the same bits wherever
they run. Nothing is timed here.
"""

import ctypes
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from labs.seminar.inference_performance.int8_network import Int8Network
from labs.seminar.inference_performance.network import CLASSES, PIXELS, Layer
from labs.shared.toolchain import HostLibrary

NUMBERS_A_LINE = 12

# Without the pragma a compiler may fuse multiplication and addition where the processor can: the
# same text would give other bits on another machine.
HEAD = """\
#include <stdint.h>
#pragma STDC FP_CONTRACT OFF
typedef @PIXEL@ pixel_t;
typedef @LOGIT@ logit_t;
"""

# Zeros around the input, 3x3 patches of it, then the largest of every 2x2 square.
CONVOLUTION = """\
static @SUM@ sum_@N@(const @IN@ *in, int out, int row, int column) {
  @SUM@ sum = biases_@N@[out];
  const @WEIGHT@ *weight = weights_@N@ + out * @INS@ * 9;
  for (int channel = 0; channel < @INS@; channel++)
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 3; j++)
        sum += *weight++ * in[(channel * @PADDED@ + row + i) * @PADDED@ + column + j];
  return sum;
}
static void layer_@N@(const @IN@ *from, @OUT@ *to) {
  @IN@ in[@INS@ * @PADDED@ * @PADDED@];
  for (int i = 0; i < @INS@ * @PADDED@ * @PADDED@; i++) in[i] = 0;
  for (int channel = 0; channel < @INS@; channel++)
    for (int row = 0; row < @SIDE@; row++)
      for (int column = 0; column < @SIDE@; column++)
        in[(channel * @PADDED@ + row + 1) * @PADDED@ + column + 1] = *from++;
  for (int out = 0; out < @OUTS@; out++)
    for (int row = 0; row < @SIDE@; row += 2)
      for (int column = 0; column < @SIDE@; column += 2) {
        @SUM@ largest = sum_@N@(in, out, row, column);
        for (int k = 1; k < 4; k++) {
          @SUM@ sum = sum_@N@(in, out, row + k / 2, column + k % 2);
          if (sum > largest) largest = sum;
        }
        *to++ = @ACTIVATE@;
      }
}
"""

LAST = """\
void network_logits(const pixel_t *image, logit_t *logits) {
  @OUT@ first[@FIRST@], second[@INS@];
  layer_1(image, first);
  layer_2(first, second);
  for (int out = 0; out < @OUTS@; out++) {
    logit_t sum = biases_3[out];
    for (int i = 0; i < @INS@; i++) sum += weights_3[out * @INS@ + i] * second[i];
    logits[out] = sum;
  }
}
int network_class(const pixel_t *image) {
  logit_t logits[@OUTS@];
  int best = 0;
  network_logits(image, logits);
  for (int i = 1; i < @OUTS@; i++)
    if (logits[i] > logits[best]) best = i;
  return best;
}
void network_classes(const pixel_t *images, int n, int *classes) {
  for (int i = 0; i < n; i++) classes[i] = network_class(images + 64 * i);
}
"""

# A sum of less than 0 becomes 0 first: shifting a negative number is not the same everywhere in C.
CODE = """\
static uint8_t code(int32_t sum, int32_t multiplier, int shift) {
  if (sum < 0) sum = 0;
  int64_t rounded = ((int64_t)sum * multiplier + ((int64_t)1 << (shift - 1))) >> shift;
  return rounded > 255 ? 255 : (uint8_t)rounded;
}
"""

DEVICE = """\
pixel_t image[64];
logit_t logits[10];
void model_run(void) { network_logits(image, logits); }
"""


def float_text(layers: Sequence[Layer]) -> str:
    """Return C text of the network in float32.

    Parameters
    ----------
    layers
        From `network.layers_of`.
    """
    kinds = {"SUM": "float", "IN": "float", "OUT": "float", "WEIGHT": "float"}
    parts = [_filled(HEAD, PIXEL="float", LOGIT="float")]
    for number, layer in enumerate(layers, start=1):
        for name, values in (("weights", layer.weights), ("biases", layer.biases)):
            parts.append(_array("float", f"{name}_{number}", [_literal(x) for x in values.flat]))
        if number < len(layers):
            shape = _shape(layer.weights, number)
            parts.append(
                _filled(CONVOLUTION, **kinds, **shape, ACTIVATE="largest > 0 ? largest : 0")
            )
    return "".join([*parts, _last(layers, "float")])


def int8_text(network: Int8Network) -> str:
    """Return C text of the network in whole numbers, bit for bit that of `Int8Network.sums`.

    Parameters
    ----------
    network
        From `int8_network.quantized`.
    """
    kinds = {"SUM": "int32_t", "IN": "uint8_t", "OUT": "uint8_t", "WEIGHT": "int8_t"}
    parts = [_filled(HEAD, PIXEL="uint8_t", LOGIT="int32_t"), CODE]
    for number, layer in enumerate(network.layers, start=1):
        arrays: list[tuple[str, str, npt.NDArray[Any]]] = [
            ("int8_t", "weights", layer.weights),
            ("int32_t", "biases", layer.biases),
        ]
        if number < len(network.layers):
            arrays += [
                ("int32_t", "multipliers", layer.multipliers),
                ("uint8_t", "shifts", layer.shifts),
            ]
        for kind, name, values in arrays:
            parts.append(_array(kind, f"{name}_{number}", map(str, values.flat)))
        if number < len(network.layers):
            shape = _shape(layer.weights, number)
            # Codes rise with sums: the code of the largest sum is the largest of the codes.
            activate = f"code(largest, multipliers_{number}[out], shifts_{number}[out])"
            parts.append(_filled(CONVOLUTION, **kinds, **shape, ACTIVATE=activate))
    return "".join([*parts, _last(network.layers, "uint8_t")])


def device_text(text: str) -> str:
    """Return C text with an input ``image``, an output ``logits`` and ``void model_run(void)``.

    Parameters
    ----------
    text
        From `float_text` or `int8_text`.
    """
    return text + DEVICE


class CompiledNetwork:
    """C text of a network, compiled for this machine.

    Parameters
    ----------
    text
        From `float_text` or `int8_text`.
    optimize
        As for `toolchain.compile_c`.

    Raises
    ------
    ExtraMissingError
        If there is no compiler.
    """

    def __init__(self, text: str, *, optimize: str = "-O2") -> None:
        self._is_whole = "typedef uint8_t pixel_t" in text
        self._functions = HostLibrary(text, optimize=optimize).functions
        pointer = ctypes.c_void_p
        self._functions.network_logits.argtypes = (pointer, pointer)
        self._functions.network_classes.argtypes = (pointer, ctypes.c_int, pointer)
        for function in (self._functions.network_logits, self._functions.network_classes):
            function.restype = None

    def logits(self, images: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the scores (n, 10), float32 or int32.

        Parameters
        ----------
        images
            (n, 64) or (n, 1, 8, 8): uint8 pixels for the network in whole numbers, else float32.

        Raises
        ------
        ValueError
            If the pictures have another type or another number of pixels.
        """
        rows = self._rows(images)
        found = np.empty((len(rows), CLASSES), np.int32 if self._is_whole else np.float32)
        for row, logits in zip(rows, found, strict=True):
            self._functions.network_logits(row.ctypes.data, logits.ctypes.data)
        return found

    def classes(self, images: npt.NDArray[Any]) -> npt.NDArray[np.intc]:
        """Return the classes (n,), as C ints.

        Parameters
        ----------
        images
            As for `logits`; a contiguous array is handed over as it is.

        Raises
        ------
        ValueError
            As for `logits`.
        """
        rows = self._rows(images)
        found = np.empty(len(rows), np.intc)
        self._functions.network_classes(rows.ctypes.data, len(rows), found.ctypes.data)
        return found

    def _rows(self, images: npt.NDArray[Any]) -> npt.NDArray[Any]:
        wanted = np.dtype(np.uint8 if self._is_whole else np.float32)
        if images.dtype != wanted or images.size != PIXELS * len(images):
            raise ValueError(
                f"pictures are {images.dtype} {images.shape}; give {wanted} with {PIXELS} each"
            )
        return np.ascontiguousarray(images).reshape(len(images), PIXELS)


def _filled(template: str, **values: str) -> str:
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    return template


def _shape(weights: npt.NDArray[Any], number: int) -> dict[str, str]:
    side = 8 // 2 ** (number - 1)
    sizes = {"N": number, "SIDE": side, "PADDED": side + 2}
    sizes |= {"OUTS": len(weights), "INS": weights.shape[1] // 9}
    return {name: str(size) for name, size in sizes.items()}


def _last(layers: Sequence[Any], kind: str) -> str:
    outputs, inputs = layers[2].weights.shape
    first = 16 * len(layers[0].weights)
    return _filled(LAST, OUT=kind, FIRST=str(first), INS=str(inputs), OUTS=str(outputs))


def _literal(number: Any) -> str:
    """Return a float32 as C's hexadecimal literal, which is exact.

    Examples
    --------
    >>> _literal(np.float32(0.1))
    '0x1.99999a0000000p-4f'
    """
    if not np.isfinite(number):
        raise ValueError(f"a weight is {number}; a network in C needs finite numbers")
    return f"{float(number).hex()}f"


def _array(kind: str, name: str, texts: Iterable[str]) -> str:
    each = list(texts)
    lines = [
        "  " + ", ".join(each[i : i + NUMBERS_A_LINE]) for i in range(0, len(each), NUMBERS_A_LINE)
    ]
    return f"static const {kind} {name}[{len(each)}] = {{\n" + ",\n".join(lines) + "\n};\n"
