"""The same sums two products at a time, with the 16-bit SIMD instructions of M4, M7 and M33.

Compared with `layout`: four codes are loaded as one word and spread to 16 bits; ``SMLAD``
multiplies two pairs and adds both products to a sum; and a block of two places and two channels
uses each word twice. It runs on no core without these instructions, and needs zero points folded
into the biases. Odd channels and odd places are left over for plainer loops. Sums wrap as int32
does, so the order of adding does not matter.
"""

from labs.mcu_compression.c_code import layout, loops
from labs.mcu_compression.c_code.code import CodeError, LayerCode, Place, kernel, weight_tables
from labs.mcu_compression.integer.layers import Convolution, Linear, Weighted
from labs.mcu_compression.integer.memory_plan import aligned

PRELUDE = (
    loops.PRELUDE
    + """
#include <arm_acle.h>

/* Four codes as one word; any address. */
static inline uint32_t load4(const int8_t *codes) {
  uint32_t word;
  __builtin_memcpy(&word, codes, 4);
  return word;
}

/* Codes 0 and 2 of a word, and codes 1 and 3, as two numbers of 16 bits. */
static inline int16x2_t even(uint32_t word) { return __sxtb16((int8x4_t)word); }
static inline int16x2_t odd(uint32_t word) {
  return __sxtb16((int8x4_t)(word >> 8 | word << 24)); /* one instruction: it rotates as well */
}

/* sum + the dot product of x and w, [count] each. */
static inline int32_t dot(const int8_t *x, const int8_t *w, int count, int32_t sum) {
  int k = 0;
  for (; k + 4 <= count; k += 4) {
    uint32_t xs = load4(x + k), ws = load4(w + k);
    sum = __smlad(even(xs), even(ws), sum);
    sum = __smlad(odd(xs), odd(ws), sum);
  }
  for (; k < count; k++) sum += x[k] * w[k];
  return sum;
}
"""
)

ROW = """\
/* All outputs of one place: each the dot product of the row with its own weights.
   x: [INPUTS]; y: [OUTPUTS]; w: [OUTPUTS][INPUTS]; b, m, s: [OUTPUTS];
   y_zero, low, high: int8 codes. */
static inline void $name(
    const int8_t *x, int8_t *y, const int8_t *w, const int32_t *b, const int32_t *m,
    const int8_t *s, int y_zero, int low, int high) {
$sizes
  for (int output = 0; output < OUTPUTS; output++) {
    int32_t sum = dot(x, w + output * INPUTS, INPUTS, b[output]);
    y[output] = requantize(sum, m[output], s[output], y_zero, low, high);
  }
}
"""

TWO_ROWS = """\
/* All outputs of two places, two outputs at a time: each word that is loaded is used twice.
   x0, x1: [INPUTS]; y0, y1: [OUTPUTS]; w: [OUTPUTS][INPUTS]; b, m, s: [OUTPUTS];
   y_zero, low, high: int8 codes. */
static inline void $name(
    const int8_t *x0, const int8_t *x1, int8_t *y0, int8_t *y1, const int8_t *w,
    const int32_t *b, const int32_t *m, const int8_t *s, int y_zero, int low, int high) {
$sizes
  int c = 0;
  for (; c + 2 <= OUTPUTS; c += 2) {
    const int8_t *wa = w + c * INPUTS, *wb = wa + INPUTS;
    int32_t sum00 = b[c], sum01 = b[c + 1], sum10 = sum00, sum11 = sum01;
    int k = 0;
    for (; k + 4 <= INPUTS; k += 4) {
      uint32_t as = load4(wa + k), bs = load4(wb + k), xs = load4(x0 + k);
      int16x2_t a_even = even(as), a_odd = odd(as), b_even = even(bs), b_odd = odd(bs);
      sum00 = __smlad(odd(xs), a_odd, __smlad(even(xs), a_even, sum00));
      sum01 = __smlad(odd(xs), b_odd, __smlad(even(xs), b_even, sum01));
      xs = load4(x1 + k);
      sum10 = __smlad(odd(xs), a_odd, __smlad(even(xs), a_even, sum10));
      sum11 = __smlad(odd(xs), b_odd, __smlad(even(xs), b_even, sum11));
    }
    for (; k < INPUTS; k++) {
      sum00 += x0[k] * wa[k], sum01 += x0[k] * wb[k];
      sum10 += x1[k] * wa[k], sum11 += x1[k] * wb[k];
    }
    y0[c] = requantize(sum00, m[c], s[c], y_zero, low, high);
    y0[c + 1] = requantize(sum01, m[c + 1], s[c + 1], y_zero, low, high);
    y1[c] = requantize(sum10, m[c], s[c], y_zero, low, high);
    y1[c + 1] = requantize(sum11, m[c + 1], s[c + 1], y_zero, low, high);
  }
  for (; c < OUTPUTS; c++) {
    int32_t sum0 = dot(x0, w + c * INPUTS, INPUTS, b[c]);
    int32_t sum1 = dot(x1, w + c * INPUTS, INPUTS, b[c]);
    y0[c] = requantize(sum0, m[c], s[c], y_zero, low, high);
    y1[c] = requantize(sum1, m[c], s[c], y_zero, low, high);
  }
}
"""

LINEAR = """\
/* Fully connected layer. x: [inputs]; y: [outputs]; otherwise as $row. */
static __attribute__((noinline)) void $name(
    const int8_t *x, int8_t *y, const int8_t *w, const int32_t *b, const int32_t *m,
    const int8_t *s, int y_zero, int low, int high) {
  $row(x, y, w, b, m, s, y_zero, low, high);
}
"""

POINTWISE = """\
/* Pointwise convolution, two places at a time. x: [PLACES][INPUTS]; y: [PLACES][OUTPUTS];
   otherwise as $two_rows. */
static __attribute__((noinline)) void $name(
    const int8_t *x, int8_t *y, const int8_t *w, const int32_t *b, const int32_t *m,
    const int8_t *s, int y_zero, int low, int high) {
$sizes
  for (int place = 0; place + 2 <= PLACES; place += 2) {
    $two_rows(x, x + INPUTS, y, y + OUTPUTS, w, b, m, s, y_zero, low, high);
    x += 2 * INPUTS, y += 2 * OUTPUTS;
  }
  if (PLACES % 2) $row(x, y, w, b, m, s, y_zero, low, high);
}
"""

CONVOLUTION = """\
/* Convolution: gathers rows for two output places, then multiplies both.
   x: as $gather; y: [ROWS][COLUMNS][OUTPUTS];
   w: [OUTPUTS][kernel height][kernel width][channels]; scratch: two rows;
   padding: the code around the input; otherwise as $two_rows. */
static __attribute__((noinline)) void $name(
    const int8_t *x, int8_t *y, int8_t *scratch, const int8_t *w, const int32_t *b,
    const int32_t *m, const int8_t *s, int padding, int y_zero, int low, int high) {
$sizes
  int held = 0;
  for (int row = 0; row < ROWS; row++)
    for (int column = 0; column < COLUMNS; column++) {
      int8_t *target = scratch + held * INPUTS;
      $gather(x, target, row * DOWN - TOP, column * ACROSS - LEFT, padding);
      if (++held < 2) continue;
      held = 0;
      $two_rows(scratch, scratch + INPUTS, y, y + OUTPUTS, w, b, m, s, y_zero, low, high);
      y += 2 * OUTPUTS;
    }
  if (held) $row(scratch, y, w, b, m, s, y_zero, low, high);
}
"""

FOUR_CHANNELS = """\
      for (; c + 4 <= OUTPUTS; c += 4) {
        int32_t sum0 = b[c], sum1 = b[c + 1], sum2 = b[c + 2], sum3 = b[c + 3];
        const int8_t *ws = w + c;
        for (int tap = 0; tap < TAPS; tap++, ws += OUTPUTS) {
          uint32_t x4 = load4(taps[tap] + c), w4 = load4(ws);
          sum0 = __smlabb(even(x4), even(w4), sum0);
          sum1 = __smlabb(odd(x4), odd(w4), sum1);
          sum2 = __smlatt(even(x4), even(w4), sum2);
          sum3 = __smlatt(odd(x4), odd(w4), sum3);
        }
        y[c] = requantize(sum0, m[c], s[c], y_zero, low, high);
        y[c + 1] = requantize(sum1, m[c + 1], s[c + 1], y_zero, low, high);
        y[c + 2] = requantize(sum2, m[c + 2], s[c + 2], y_zero, low, high);
        y[c + 3] = requantize(sum3, m[c + 3], s[c + 3], y_zero, low, high);
      }"""


def write(place: Place) -> LayerCode:
    """Return SIMD kernels for a layer whose zero point is folded; without weights as in `loops`.

    Raises
    ------
    CodeError
        If there is no kernel for it, or its zero point is not folded.
    """
    layer = place.layer
    if isinstance(layer, Weighted) and layer.input_zero_point:
        raise CodeError(
            f"{layer.name}: SIMD kernels subtract no zero point, and it is "
            f"{layer.input_zero_point}; apply fold_zero_points first"
        )
    if isinstance(layer, Linear):
        return _linear(place, layer)
    if not isinstance(layer, Convolution):
        return loops.write(place)
    if layer.is_depthwise:
        return layout.depthwise(place, layer, four_channels=FOUR_CHANNELS)
    return _pointwise(place, layer) if layer.is_pointwise else _convolution(place, layer)


def _rows(layer: Weighted) -> dict[str, str]:
    """Return the functions for one row and for two, by name."""
    sizes = layout.row_sizes(layer)
    shape = f"{sizes['INPUTS']}_{sizes['OUTPUTS']}"
    kernels = {f"row_{shape}": ROW, f"two_rows_{shape}": TWO_ROWS}
    return {name: kernel(text, name, sizes=sizes) for name, text in kernels.items()}


def _linear(place: Place, layer: Linear) -> LayerCode:
    row, text = next(iter(_rows(layer).items()))
    name = row.replace("row", "linear")
    functions = {row: text, name: kernel(LINEAR, name, sizes={}, row=row)}
    return LayerCode(functions, layout.call(place, name), weight_tables(place))


def _pointwise(place: Place, layer: Convolution) -> LayerCode:
    functions = _rows(layer)
    row, two_rows = functions
    sizes = {"PLACES": layout.places(place), **layout.row_sizes(layer)}
    name = layout.pointwise_name(place, layer)
    functions[name] = kernel(POINTWISE, name, sizes=sizes, row=row, two_rows=two_rows)
    return LayerCode(functions, layout.call(place, name), weight_tables(place))


def _convolution(place: Place, layer: Convolution) -> LayerCode:
    functions = layout.gather_function(place, layer) | _rows(layer)
    gather, row, two_rows = functions
    name = f"convolution_{layout.shape_name(place, layer)}"
    sizes = layout.output_sizes(place, layer) | layout.row_sizes(layer)
    texts = {"gather": gather, "row": row, "two_rows": two_rows}
    functions[name] = kernel(CONVOLUTION, name, sizes=sizes, **texts)
    scratch = aligned(2 * layer.weights[0].size)
    return LayerCode(functions, layout.window_call(place, name), weight_tables(place), scratch)
