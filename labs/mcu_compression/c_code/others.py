"""C for layers without weights: pools, mean, sum, softmax, border, and reshape.

They take little of a network's time, so every stage shares these: plain C that runs on every core,
written over its input where that is safe. Helpers of their own keep them free of a stage's prelude.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from labs.mcu_compression.c_code.code import CodeError, LayerCode, Place, Table
from labs.mcu_compression.integer.layers import Add, Layer, Mean, Pad, Pool, Reshape, Softmax
from labs.mcu_compression.integer.softmax import SUM_SHIFT

HIGH_PRODUCT = """\
/* Returns a * b / 2^31, rounded to the nearest, halves up. */
static inline int32_t high_product(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + (1ll << 30)) >> 31);
}
"""

ROUNDED = """\
/* Returns value / 2^bits, rounded to the nearest, halves away from zero. bits: 0 to 31. */
static inline int32_t rounded(int32_t value, int32_t bits) {
  int32_t mask = (int32_t)((1ll << bits) - 1), rest = value & mask;
  return (value >> bits) + (rest > (mask >> 1) + (value < 0));
}
"""

RESCALED = """\
/* Returns value * multiplier / 2^31 * 2^shift, rounded twice. shift: -31 to 30. */
static inline int32_t rescaled(int32_t value, int32_t multiplier, int32_t shift) {
  int32_t left = shift > 0 ? shift : 0, right = shift > 0 ? 0 : -shift;
  return rounded(high_product((int32_t)((uint32_t)value << left), multiplier), right);
}
"""

LIMITED = """\
/* Returns value, or the nearer end of low to high. */
static inline int8_t limited(int32_t value, int32_t low, int32_t high) {
  return (int8_t)(value < low ? low : value > high ? high : value);
}
"""

POOL = """\
/* @TITLE@ of each channel over windows; what lies outside the input does not count.
   x: [height][width][channels]; y: [rows][columns][channels]; y may be x if top and left are 0. */
static __attribute__((noinline)) void @NAME@(
    const int8_t *x, int8_t *y, int height, int width, int channels, int rows, int columns,
    int window_height, int window_width, int stride_down, int stride_across, int top, int left,
    int low, int high) {
  for (int row = 0; row < rows; row++)
    for (int column = 0; column < columns; column++) {
      int down = row * stride_down - top, across = column * stride_across - left;
      int down_end = down + window_height, across_end = across + window_width;
      down = down < 0 ? 0 : down;
      across = across < 0 ? 0 : across;
      down_end = down_end > height ? height : down_end;
      across_end = across_end > width ? width : across_end;
      for (int channel = 0; channel < channels; channel++) {
        int32_t found = @FIRST@;
        for (int i = down; i < down_end; i++)
          for (int j = across; j < across_end; j++) {
            int32_t code = x[(i * width + j) * channels + channel];
            @STEP@
          }@AFTER@
        *y++ = limited(found, low, high);
      }
    }
}
"""

AVERAGE_AFTER = """
        int32_t places = (down_end - down) * (across_end - across);
        found = (found > 0 ? found + places / 2 : found - places / 2) / places;"""

POOLS = {
    "max": ("max_pool", "The largest code", "-128", "found = code > found ? code : found;", ""),
    "average": ("average_pool", "The average", "0", "found += code;", AVERAGE_AFTER),
}

MEAN = """\
/* The mean of each channel over all places, in the scale of the output; y may be x.
   x: [places][channels]; y: [channels]; multiplier, shift: input scale / output scale / places. */
static __attribute__((noinline)) void mean(
    const int8_t *x, int8_t *y, int places, int channels, int32_t multiplier, int32_t shift,
    int x_zero, int y_zero) {
  for (int channel = 0; channel < channels; channel++) {
    int32_t sum = 0;
    for (int place = 0; place < places; place++) sum += x[place * channels + channel] - x_zero;
    y[channel] = limited(rescaled(sum, multiplier, shift) + y_zero, -128, 127);
  }
}
"""

ADD = """\
/* The sum of two tensors. a, b, y: [size], y may be a or b; each input is raised by 20 bits and
   brought to the larger of the two scales, their sum to the scale of the output. */
static __attribute__((noinline)) void add(
    const int8_t *a, const int8_t *b, int8_t *y, int size, int a_zero, int b_zero, int y_zero,
    int32_t a_multiplier, int32_t a_shift, int32_t b_multiplier, int32_t b_shift,
    int32_t y_multiplier, int32_t y_shift, int low, int high) {
  for (int k = 0; k < size; k++) {
    int32_t first = rescaled((a[k] - a_zero) * (1 << 20), a_multiplier, a_shift);
    int32_t second = rescaled((b[k] - b_zero) * (1 << 20), b_multiplier, b_shift);
    y[k] = limited(rescaled(first + second, y_multiplier, y_shift) + y_zero, low, high);
  }
}
"""

SOFTMAX = """\
/* Probabilities in steps of 1/256. x, y: [rows][classes], y may be x; table: [entries], exp of the
   distance to the largest code of the row, times 2^31; what lies further away counts as 0.
   1 / sum by Newton's method: half is the sum as a fraction of 2^31 from 1/2 to 1. */
static __attribute__((noinline)) void softmax(
    const int8_t *x, int8_t *y, int rows, int classes, const int32_t *table, int entries) {
  for (int row = 0; row < rows; row++, x += classes, y += classes) {
    int32_t largest = -128;
    uint32_t sum = 0;
    for (int k = 0; k < classes; k++) largest = x[k] > largest ? x[k] : largest;
    for (int k = 0; k < classes; k++)
      if (largest - x[k] < entries) sum += ((uint32_t)table[largest - x[k]] + 2048) >> 12;
    int32_t zeros = 0;
    for (; !(sum >> 31); zeros++) sum <<= 1;
    int32_t half = (int32_t)(sum >> 1);
    int32_t inverse = 1515870810 + high_product(half, -1010580540);
    for (int step = 0; step < 3; step++)
      inverse += high_product(inverse, (1 << 29) - high_product(half, inverse)) * 4;
    int32_t share = inverse >= 1 << 30 ? 0x7fffffff : inverse * 2;
    for (int k = 0; k < classes; k++) {
      int32_t distance = largest - x[k];
      int32_t product = distance < entries ? high_product(share, table[distance]) : 0;
      y[k] = limited(rounded(product, 35 - zeros) - 128, -128, 127);
    }
  }
}
"""

COPY = """\
/* The same codes elsewhere, if y is not x. */
static __attribute__((noinline)) void copy(const int8_t *x, int8_t *y, int size) {
  if (x == y) return;
  for (int k = 0; k < size; k++) y[k] = x[k];
}
"""

PAD = """\
/* The input with a border of one code. x: [height][width][channels]; y: [rows][columns][channels].
*/
static __attribute__((noinline)) void pad(
    const int8_t *x, int8_t *y, int height, int width, int channels, int rows, int columns,
    int top, int left, int code) {
  for (int row = 0; row < rows; row++)
    for (int column = 0; column < columns; column++) {
      int down = row - top, across = column - left;
      int is_inside = down >= 0 && down < height && across >= 0 && across < width;
      for (int channel = 0; channel < channels; channel++)
        *y++ = (int8_t)(is_inside ? x[(down * width + across) * channels + channel] : code);
    }
}
"""

RESCALING = {"high_product": HIGH_PRODUCT, "rounded": ROUNDED, "rescaled": RESCALED}


def write(place: Place) -> LayerCode:
    """Return C for a layer without weights.

    Raises
    ------
    CodeError
        If there is no kernel for it.
    """
    writer = WRITERS.get(type(place.layer))
    if writer is None:
        kind = type(place.layer).__name__
        raise CodeError(f"{place.layer.name}: no kernel for a {kind} like this")
    return writer(place, place.layer)


def _pool(place: Place, layer: Pool) -> LayerCode:
    if layer.kind not in POOLS:
        raise CodeError(f"{layer.name}: no pool of kind {layer.kind!r}; one of: {', '.join(POOLS)}")
    name, title, first, step, after = POOLS[layer.kind]
    parts = {"TITLE": title, "NAME": name, "FIRST": first, "STEP": step, "AFTER": after}
    text = POOL
    for part, value in parts.items():
        text = text.replace(f"@{part}@", value)
    top, _, left, _ = layer.padding
    sizes = (*place.inputs[0].shape, *place.output.shape[:2], *layer.size, *layer.stride)
    call = _call(name, *sizes, top, left, layer.low, layer.high)
    # Without a border before it, no window reads what an earlier one has overwritten.
    return LayerCode({"limited": LIMITED, name: text}, call, is_in_place=top == left == 0)


def _mean(place: Place, layer: Mean) -> LayerCode:
    (height, width, channels), zero = place.inputs[0].shape, place.inputs[0].zero_point
    numbers = (layer.multiplier, layer.shift, zero, place.output.zero_point)
    call = _call("mean", height * width, channels, *numbers)
    functions = {**RESCALING, "limited": LIMITED, "mean": MEAN}
    return LayerCode(functions, call, is_in_place=True)


def _add(place: Place, layer: Add) -> LayerCode:
    zeros = [tensor.zero_point for tensor in (*place.inputs, place.output)]
    pairs = zip(layer.multipliers, layer.shifts, strict=True)
    factors = [number for pair in pairs for number in pair]
    numbers = (place.output.elements, *zeros, *factors, layer.low, layer.high)
    call = f"add({{x}}, {{x1}}, {{y}}, {', '.join(map(str, numbers))});"
    functions = {**RESCALING, "limited": LIMITED, "add": ADD}
    return LayerCode(functions, call, is_in_place=True)


def _softmax(place: Place, layer: Softmax) -> LayerCode:
    # What rounds to nothing in the sum rounds to nothing in the output: 20 of its bits are kept.
    is_counted = layer.exponentials >= 1 << (SUM_SHIFT - 1)
    table = layer.exponentials[: np.flatnonzero(is_counted)[-1] + 1]
    name = f"e{place.number}"
    classes = place.output.shape[-1]
    call = _call("softmax", place.output.elements // classes, classes, name, table.size)
    names = ("high_product", "rounded")
    functions = {each: RESCALING[each] for each in names} | {"limited": LIMITED, "softmax": SOFTMAX}
    return LayerCode(functions, call, (Table(name, table.astype(np.int32)),), is_in_place=True)


def _reshape(place: Place, _layer: Reshape) -> LayerCode:
    return LayerCode({"copy": COPY}, _call("copy", place.output.elements), is_in_place=True)


def _pad(place: Place, layer: Pad) -> LayerCode:
    sizes = (*place.inputs[0].shape, *place.output.shape[:2])
    call = _call("pad", *sizes, layer.padding[0], layer.padding[2], layer.code)
    return LayerCode({"pad": PAD}, call)


def _call(name: str, *numbers: Any) -> str:
    return f"{name}({{x}}, {{y}}, {', '.join(map(str, numbers))});"


WRITERS: dict[type[Layer], Callable[[Place, Any], LayerCode]] = {
    Pool: _pool,
    Mean: _mean,
    Add: _add,
    Softmax: _softmax,
    Reshape: _reshape,
    Pad: _pad,
}
