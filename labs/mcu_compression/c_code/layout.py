"""The same sums with a better layout: sizes as constants, and inner loops that walk through memory.

Nothing here needs more than C: it runs on every core and on this machine. Compared with `loops`:

- one function for each shape, whose sizes the compiler knows (as FastInference does);
- zero points are folded into the biases (`passes.fold_zero_points`), or subtracted where that pass
  is left out;
- what a convolution reads is gathered in a row first, so that the inner loop is one dot product
  without a branch; the weights of a depthwise convolution lie channel beside channel, as its input
  does.
"""

import string
from typing import Any

import numpy as np

from labs.mcu_compression.c_code import loops
from labs.mcu_compression.c_code.code import LayerCode, Place, kernel, weight_tables
from labs.mcu_compression.integer.layers import Convolution, Linear, Weighted
from labs.mcu_compression.integer.memory_plan import aligned

PRELUDE = loops.PRELUDE

GATHER = """\
/* Copies what one output place reads into a row; what lies outside the input becomes `padding`.
   x: [HEIGHT][WIDTH][CHANNELS]; target: [KERNEL_HEIGHT][KERNEL_WIDTH][CHANNELS];
   top, left: the first place that is read, negative outside. */
static inline void $name(
    const int8_t *x, int8_t *target, int top, int left, int padding) {
$sizes
  for (int row = top; row < top + KERNEL_HEIGHT; row++)
    for (int column = left; column < left + KERNEL_WIDTH; column++) {
      int is_inside = row >= 0 && row < HEIGHT && column >= 0 && column < WIDTH;
      int first = (row * WIDTH + column) * CHANNELS;
      for (int k = 0; k < CHANNELS; k++) *target++ = is_inside ? x[first + k] : (int8_t)padding;
    }
}
"""

TAPS = """\
/* Finds the channels of each place that one output place reads; `outside` stands for those around
   the input. x: [HEIGHT][WIDTH][CHANNELS]; taps: [KERNEL_HEIGHT * KERNEL_WIDTH];
   top, left: the first place that is read, negative outside. */
static inline void $name(
    const int8_t *x, const int8_t **taps, int top, int left, const int8_t *outside) {
$sizes
  for (int row = top; row < top + KERNEL_HEIGHT; row++)
    for (int column = left; column < left + KERNEL_WIDTH; column++) {
      int is_inside = row >= 0 && row < HEIGHT && column >= 0 && column < WIDTH;
      *taps++ = is_inside ? x + (row * WIDTH + column) * CHANNELS : outside;
    }
}
"""

ROW = """\
/* All outputs of one place: each the dot product of the row with its own weights.
   x: [INPUTS]; y: [OUTPUTS]; w: [OUTPUTS][INPUTS]; b, m, s: [OUTPUTS];$zero_note
   y_zero, low, high: int8 codes. */
static inline void $name(
    const int8_t *x, int8_t *y, const int8_t *w, const int32_t *b, const int32_t *m,
    const int8_t *s,$zero_parameter int y_zero, int low, int high) {
$sizes
  for (int output = 0; output < OUTPUTS; output++) {
    int32_t sum = b[output];
    for (int k = 0; k < INPUTS; k++) sum += $code * w[k];
    w += INPUTS;
    y[output] = requantize(sum, m[output], s[output], y_zero, low, high);
  }
}
"""

LINEAR = """\
/* Fully connected layer. x: [inputs]; y: [outputs]; otherwise as $row. */
static __attribute__((noinline)) void $name(
    const int8_t *x, int8_t *y, const int8_t *w, const int32_t *b, const int32_t *m,
    const int8_t *s,$zero_parameter int y_zero, int low, int high) {
  $row(x, y, w, b, m, s,$zero_argument y_zero, low, high);
}
"""

POINTWISE = """\
/* Pointwise convolution: every place is a row by itself. x: [PLACES][INPUTS];
   y: [PLACES][OUTPUTS]; otherwise as $row. */
static __attribute__((noinline)) void $name(
    const int8_t *x, int8_t *y, const int8_t *w, const int32_t *b, const int32_t *m,
    const int8_t *s,$zero_parameter int y_zero, int low, int high) {
$sizes
  for (int place = 0; place < PLACES; place++)
    $row(x + place * INPUTS, y + place * OUTPUTS, w, b, m, s,$zero_argument y_zero, low, high);
}
"""

CONVOLUTION = """\
/* Convolution: gathers a row for each output place.
   x: as $gather; y: [ROWS][COLUMNS][OUTPUTS];
   w: [OUTPUTS][kernel height][kernel width][channels]; scratch: one row;
   padding: the code around the input; otherwise as $row. */
static __attribute__((noinline)) void $name(
    const int8_t *x, int8_t *y, int8_t *scratch, const int8_t *w, const int32_t *b,
    const int32_t *m, const int8_t *s, int padding,$zero_parameter int y_zero, int low, int high) {
$sizes
  for (int row = 0; row < ROWS; row++)
    for (int column = 0; column < COLUMNS; column++) {
      $gather(x, scratch, row * DOWN - TOP, column * ACROSS - LEFT, padding);
      $row(scratch, y, w, b, m, s,$zero_argument y_zero, low, high);
      y += OUTPUTS;
    }
}
"""

DEPTHWISE = """\
/* Depthwise convolution: output c reads channel c / MULTIPLE.
   x: as $taps; y: [ROWS][COLUMNS][OUTPUTS]; w: [TAPS][OUTPUTS]; b, m, s: [OUTPUTS];
   scratch: [CHANNELS]; padding: the code around the input;$zero_note
   y_zero, low, high: int8 codes. */
static __attribute__((noinline)) void $name(
    const int8_t *x, int8_t *y, int8_t *scratch, const int8_t *w, const int32_t *b,
    const int32_t *m, const int8_t *s, int padding,$zero_parameter int y_zero, int low, int high) {
$sizes
  const int8_t *taps[TAPS];
  for (int k = 0; k < CHANNELS; k++) scratch[k] = (int8_t)padding;
  for (int row = 0; row < ROWS; row++)
    for (int column = 0; column < COLUMNS; column++) {
      $taps(x, taps, row * DOWN - TOP, column * ACROSS - LEFT, scratch);
      int c = 0;
$block
      for (; c < OUTPUTS; c++) {
        int32_t sum = b[c];
        const int8_t *ws = w + c;
        for (int tap = 0; tap < TAPS; tap++, ws += OUTPUTS) sum += $single * ws[0];
        y[c] = requantize(sum, m[c], s[c], y_zero, low, high);
      }
      y += OUTPUTS;
    }
}
"""

FOUR_CHANNELS = """\
      for (; c + 4 <= OUTPUTS; c += 4) {
        int32_t sum0 = b[c], sum1 = b[c + 1], sum2 = b[c + 2], sum3 = b[c + 3];
        const int8_t *ws = w + c;
        for (int tap = 0; tap < TAPS; tap++, ws += OUTPUTS) {
          const int8_t *xs = taps[tap] + c;
          sum0 += $code0 * ws[0];
          sum1 += $code1 * ws[1];
          sum2 += $code2 * ws[2];
          sum3 += $code3 * ws[3];
        }
        y[c] = requantize(sum0, m[c], s[c], y_zero, low, high);
        y[c + 1] = requantize(sum1, m[c + 1], s[c + 1], y_zero, low, high);
        y[c + 2] = requantize(sum2, m[c + 2], s[c + 2], y_zero, low, high);
        y[c + 3] = requantize(sum3, m[c + 3], s[c + 3], y_zero, low, high);
      }"""


def write(place: Place) -> LayerCode:
    """Return kernels with constant sizes for a layer; layers without weights as in `loops`.

    Raises
    ------
    CodeError
        If there is no kernel for it.
    """
    layer = place.layer
    if isinstance(layer, Linear):
        return _linear(place, layer)
    if not isinstance(layer, Convolution):
        return loops.write(place)
    if layer.is_depthwise:
        return depthwise(place, layer)
    return _pointwise(place, layer) if layer.is_pointwise else _convolution(place, layer)


def row_sizes(layer: Weighted) -> dict[str, int]:
    """Return the sizes of the matrix that a layer multiplies each row with."""
    return {"INPUTS": layer.weights[0].size, "OUTPUTS": layer.outputs}


def window_sizes(place: Place, layer: Convolution) -> dict[str, int]:
    """Return the sizes of the input of a convolution and of what one place reads of it."""
    height, width, channels = place.inputs[0].shape
    rows, columns = layer.weights.shape[1:3]
    kernel_sizes = {"KERNEL_HEIGHT": rows, "KERNEL_WIDTH": columns}
    return {"HEIGHT": height, "WIDTH": width, "CHANNELS": channels, **kernel_sizes}


def output_sizes(place: Place, layer: Convolution) -> dict[str, int]:
    """Return the sizes of the output of a convolution, and how it moves over its input."""
    rows, columns, outputs = place.output.shape
    steps = {"DOWN": layer.stride[0], "ACROSS": layer.stride[1]}
    steps |= {"TOP": layer.padding[0], "LEFT": layer.padding[2]}
    return {"ROWS": rows, "COLUMNS": columns, "OUTPUTS": outputs, **steps}


def shape_name(place: Place, layer: Convolution) -> str:
    """Return the part of a convolution's name that tells its shape from all others.

    Such as ``25x5x64_3x3_s1x1_p1x1_25x5x64``: input, kernel, stride, padding and output.
    """
    read, written = ("x".join(map(str, each.shape)) for each in (place.inputs[0], place.output))
    rows, columns = layer.weights.shape[1:3]
    steps = f"s{layer.stride[0]}x{layer.stride[1]}_p{layer.padding[0]}x{layer.padding[2]}"
    return f"{read}_{rows}x{columns}_{steps}_{written}"


def gather_function(place: Place, layer: Convolution) -> dict[str, str]:
    """Return the function that copies what one output place reads, by its name."""
    return _window_function("gather", GATHER, window_sizes(place, layer))


def taps_function(place: Place, layer: Convolution) -> dict[str, str]:
    """Return the function that finds what one output place reads, by its name."""
    return _window_function("taps", TAPS, window_sizes(place, layer))


def _window_function(kind: str, template: str, sizes: dict[str, int]) -> dict[str, str]:
    height, width, channels, rows, columns = sizes.values()
    name = f"{kind}_{height}x{width}x{channels}_{rows}x{columns}"
    return {name: kernel(template, name, sizes=sizes)}


def transposed_weights(layer: Convolution) -> np.ndarray:
    """Return the weights of a depthwise convolution with channels side by side, (taps, out)."""
    return np.ascontiguousarray(layer.weights.reshape(layer.outputs, -1).T)


def places(place: Place) -> int:
    """Return the places, rows times columns, of an output with channels."""
    return place.output.elements // place.output.shape[-1]


def pointwise_name(place: Place, layer: Convolution) -> str:
    """Return the name of a pointwise convolution: places, inputs, outputs."""
    sizes = (places(place), *row_sizes(layer).values())
    return "_".join([_kind("pointwise", layer), *map(str, sizes)])


def call(place: Place, name: str, *, before: str = "", after: str = "") -> str:
    """Return the statement that calls a kernel.

    Parameters
    ----------
    place
        Its layer has the tables of `weight_tables`.
    name
        Of the kernel.
    before, after
        Arguments before the tables and after them, each with its comma.
    """
    layer: Any = place.layer
    tables = ", ".join(f"{letter}{place.number}" for letter in "wbms")
    numbers = [place.output.zero_point, layer.low, layer.high]
    if layer.input_zero_point:
        numbers.insert(0, layer.input_zero_point)
    return f"{name}({{x}}, {{y}}, {before}{tables}, {after}{', '.join(map(str, numbers))});"


def window_call(place: Place, name: str) -> str:
    """Return the statement that calls a kernel with scratch and the code around its input."""
    layer: Any = place.layer
    return call(place, name, before="{scratch}, ", after=f"{layer.padding_code}, ")


def _zero_texts(layer: Weighted) -> dict[str, str]:
    """Return what templates say of the input's zero point: nothing, if it is folded."""
    is_folded = layer.input_zero_point == 0
    minus = "{}" if is_folded else "({} - x_zero)"
    return {
        "zero_parameter": "" if is_folded else " int x_zero,",
        "zero_argument": "" if is_folded else " x_zero,",
        "zero_note": "" if is_folded else " x_zero: taken from each x;",
        "code": minus.format("x[k]"),
        "single": minus.format("taps[tap][c / MULTIPLE]"),
        **{f"code{n}": minus.format(f"xs[{n}]") for n in range(4)},
    }


def _kind(name: str, layer: Weighted) -> str:
    return name if layer.input_zero_point == 0 else f"{name}_minus_zero"


def _row(layer: Weighted) -> dict[str, str]:
    sizes = row_sizes(layer)
    name = f"{_kind('row', layer)}_{sizes['INPUTS']}_{sizes['OUTPUTS']}"
    return {name: kernel(ROW, name, sizes=sizes, **_zero_texts(layer))}


def _linear(place: Place, layer: Linear) -> LayerCode:
    functions = _row(layer)
    (row,) = functions
    name = row.replace("row", "linear")
    functions[name] = kernel(LINEAR, name, sizes={}, row=row, **_zero_texts(layer))
    return LayerCode(functions, call(place, name), weight_tables(place))


def _pointwise(place: Place, layer: Convolution) -> LayerCode:
    functions = _row(layer)
    texts = {"row": next(iter(functions)), **_zero_texts(layer)}
    sizes = {"PLACES": places(place), **row_sizes(layer)}
    name = pointwise_name(place, layer)
    functions[name] = kernel(POINTWISE, name, sizes=sizes, **texts)
    return LayerCode(functions, call(place, name), weight_tables(place))


def _convolution(place: Place, layer: Convolution) -> LayerCode:
    functions = gather_function(place, layer) | _row(layer)
    gather, row = functions
    name = f"{_kind('convolution', layer)}_{shape_name(place, layer)}"
    texts = {"gather": gather, "row": row, **_zero_texts(layer)}
    functions[name] = kernel(CONVOLUTION, name, sizes=output_sizes(place, layer), **texts)
    scratch = aligned(layer.weights[0].size)
    return LayerCode(functions, window_call(place, name), weight_tables(place), scratch)


def depthwise(place: Place, layer: Convolution, *, four_channels: str = FOUR_CHANNELS) -> LayerCode:
    """Return the kernel of a depthwise convolution.

    Parameters
    ----------
    place, layer
        The layer, twice, for its type.
    four_channels
        The loop over channels four at a time, where each reads a channel of its own.
    """
    functions = taps_function(place, layer)
    (taps,) = functions
    name = f"{_kind('depthwise', layer)}_{shape_name(place, layer)}"
    channels, multiple = layer.groups, layer.outputs // layer.groups
    texts = _zero_texts(layer)
    block = string.Template(four_channels).substitute(texts) if multiple == 1 else ""
    counts = {"TAPS": layer.weights[0].size, "CHANNELS": channels, "MULTIPLE": multiple}
    sizes = output_sizes(place, layer) | counts
    functions[name] = kernel(DEPTHWISE, name, sizes=sizes, taps=taps, block=block, **texts)
    tables = weight_tables(place, weights=transposed_weights(layer))
    return LayerCode(functions, window_call(place, name), tables, aligned(channels))
