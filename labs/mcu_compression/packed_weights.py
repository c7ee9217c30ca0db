"""A kernel whose low-bit weights stay packed in flash while its activations have 8 bits.

For pointwise layers of an `IntegerNetwork` that came from a `binary.LowBitNetwork` with int8
activations. One or two bits a weight are unpacked to int8 for one output at a time, which then runs
over all places; the arithmetic is that of every int8 layer, code for code. It saves flash, but no
instructions over a good int8 kernel: one instruction multiplies and adds two pairs of numbers.
"""

from typing import Any

import numpy as np

from labs.mcu_compression.binary import WORD_BITS
from labs.mcu_compression.binary_code import pack_signs
from labs.mcu_compression.c_code import loops
from labs.mcu_compression.c_code.code import CodeError, LayerCode, Place, Table
from labs.mcu_compression.integer.layers import Convolution

LEVEL = 127  # the largest, and that of all outputs but those that hardly matter

DOT = """\
#if defined(__ARM_FEATURE_SIMD32)
#include <arm_acle.h>
#endif

/* Returns sum plus the products of x and w, int8, [count] each. */
static inline int32_t dot_int8(const int8_t *x, const int8_t *w, int count, int32_t sum) {
  int k = 0;
#if defined(__ARM_FEATURE_SIMD32)
  for (; k + 4 <= count; k += 4) {
    int8x4_t a, b;
    __builtin_memcpy(&a, x + k, 4);
    __builtin_memcpy(&b, w + k, 4);
    sum = __smlad(__sxtb16(a), __sxtb16(b), sum);
    sum = __smlad(__sxtb16((int8x4_t)__ror((uint32_t)a, 8)),
                  __sxtb16((int8x4_t)__ror((uint32_t)b, 8)), sum);
  }
#endif
  for (; k < count; k++) sum += x[k] * w[k];
  return sum;
}
"""

POINTWISE = """\
/* Pointwise convolution with packed weights. x: [places][@INPUTS@]; y: [places][@OUTPUTS@];
   plus, mask: [@OUTPUTS@][@WORDS@], bits: a weight is 0 where mask has a 0, else the output's level
   where plus has a 1, and minus that elsewhere; levels: [@OUTPUTS@], 0 to 127;
   b, m, s: [@OUTPUTS@], the zero point of x folded into b; w: scratch for a row, [@INPUTS@]. */
static __attribute__((noinline)) void packed_@INPUTS@_@OUTPUTS@(
    const int8_t *x, int8_t *y, int places, const uint32_t *plus, const uint32_t *mask,
    const int8_t *levels, const int32_t *b, const int32_t *m, const int8_t *s, int y_zero, int low,
    int high, int8_t *w) {
  for (int output = 0; output < @OUTPUTS@; output++) {
    const int8_t level = levels[output];
    for (int k = 0; k < @INPUTS@; k++) {
      int word = output * @WORDS@ + k / 32, bit = k % 32;
      w[k] = (int8_t)(!(mask[word] >> bit & 1) ? 0 : plus[word] >> bit & 1 ? level : -level);
    }
    for (int place = 0; place < places; place++) {
      int32_t sum = dot_int8(x + place * @INPUTS@, w, @INPUTS@, b[output]);
      y[place * @OUTPUTS@ + output] =
          requantize(sum, m[output], s[output], y_zero, low, high);
    }
  }
}
"""
# Without weights of 0 there is no mask to ship.
BINARY = {
    "const uint32_t *plus, const uint32_t *mask,": "const uint32_t *plus,",
    "!(mask[word] >> bit & 1) ? 0 : ": "",
    "plus, mask: ": "plus: ",
    "bits: a weight is 0 where mask has a 0, else the output's level\n   where": (
        "bits: a weight is the output's level\n   where"
    ),
}


def write(place: Place) -> LayerCode:
    """Return a pointwise layer with packed weights, any other as stage naive writes it."""
    is_pointwise = isinstance(place.layer, Convolution) and place.layer.is_pointwise
    return write_packed(place) if is_pointwise else loops.write(place)


def write_packed(place: Place) -> LayerCode:
    """Return a layer with packed weights, a writer for ``generate(..., "naive", writers=...)``.

    Parameters
    ----------
    place
        A pointwise layer, in each of whose outputs the weights are 0 or have one magnitude; the
        file's prelude has ``requantize``, as that of stage naive has.

    Raises
    ------
    CodeError
        If the layer is another one, or its sums could leave 32 bits.
    """
    layer: Any = place.layer
    if not (isinstance(layer, Convolution) and layer.is_pointwise):
        raise CodeError(f"{layer.name}: no pointwise layer; packed weights are for those alone")
    weights = layer.weights.reshape(layer.outputs, -1).astype(np.int64)
    levels = np.abs(weights).max(1)
    if not ((weights == 0) | (np.abs(weights) == levels[:, None])).all() or levels.max() > LEVEL:
        raise CodeError(f"{layer.name}: weights of several magnitudes; train them to low bits")
    biases = layer.biases - layer.input_zero_point * weights.sum(1)
    if (np.abs(biases) + 128 * np.abs(weights).sum(1)).max() >= 2**31:
        raise CodeError(f"{layer.name}: sums leave 32 bits; its biases are too large")
    is_ternary = not weights[levels > 0].all()  # a level of 0 needs no mask
    numbers = {"l": levels.astype(np.int8), "b": biases.astype(np.int32)}
    numbers |= {"m": layer.multipliers.astype(np.int32), "s": layer.shifts.astype(np.int8)}
    planes = {"p": pack_signs(weights > 0)} | (
        {"k": pack_signs(weights != 0)} if is_ternary else {}
    )
    named = {f"{key}{place.number}": values for key, values in (planes | numbers).items()}
    outputs, inputs = weights.shape
    name = f"{'ternary' if is_ternary else 'binary'}_{inputs}_{outputs}"
    places, limits = place.output.elements // outputs, (layer.low, layer.high)
    tail = ", ".join(map(str, [*named, place.output.zero_point, *limits]))
    return LayerCode(
        {"dot_int8": DOT, name: _function(name, inputs, outputs=outputs, is_ternary=is_ternary)},
        f"{name}({{x}}, {{y}}, {places}, {tail}, {{scratch}});",
        tuple(Table(key, values) for key, values in named.items()),
        scratch_bytes=inputs,
    )


def _function(name: str, inputs: int, *, outputs: int, is_ternary: bool) -> str:
    text = POINTWISE
    for old, new in () if is_ternary else BINARY.items():
        text = text.replace(old, new)
    sizes = {"INPUTS": inputs, "OUTPUTS": outputs, "WORDS": -(-inputs // WORD_BITS)}
    text = text.replace("packed_@INPUTS@_@OUTPUTS@", name)
    for key, size in sizes.items():
        text = text.replace(f"@{key}@", str(size))
    return text
