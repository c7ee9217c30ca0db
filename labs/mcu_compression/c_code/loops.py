"""The plainest C that computes a layer: generic loops, sizes as arguments, nothing clever.

Zero points are subtracted in the innermost loop and requantisation is done in 64 bits. It runs on
every core and on this machine, and it is what the other stages are compared with.
"""

from typing import Any

from labs.mcu_compression.c_code import others
from labs.mcu_compression.c_code.code import CodeError, LayerCode, Place, weight_tables
from labs.mcu_compression.integer.layers import Convolution, Linear, Pool

PRELUDE = """\
#include <stdint.h>

/* Returns a sum in the steps of the output: times multiplier / 2^31, rounded to the nearest,
   shifted, rounded to the nearest with halves away from zero, plus the zero point, and limited.
   sum: int32; multiplier: 0 or 2^30 to 2^31 - 1; shift: -31 to 30, to the left if positive. */
static inline int8_t requantize(int32_t sum, int32_t multiplier, int32_t shift, int32_t zero_point,
                                int32_t low, int32_t high) {
  int32_t left = shift > 0 ? shift : 0, right = shift > 0 ? 0 : -shift;
  int64_t product = (int64_t)(int32_t)((uint32_t)sum << left) * multiplier;
  int32_t value = (int32_t)((product + (1ll << 30)) >> 31);
  int32_t mask = (int32_t)((1ll << right) - 1), rest = value & mask;
  value = (value >> right) + (rest > (mask >> 1) + (value < 0)) + zero_point;
  return (int8_t)(value < low ? low : value > high ? high : value);
}
"""

CONVOLUTION = """\
/* Convolution. x: [height][width][channels]; y: [rows][columns][outputs];
   w: [outputs][kernel_height][kernel_width][channels]; b, m, s: [outputs]. */
static __attribute__((noinline)) void convolution(
    const int8_t *x, int8_t *y, int height, int width, int channels, int rows, int columns,
    int outputs, int kernel_height, int kernel_width, int stride_down, int stride_across,
    int top, int left, const int8_t *w, const int32_t *b, const int32_t *m, const int8_t *s,
    int x_zero, int y_zero, int low, int high) {
  for (int row = 0; row < rows; row++)
    for (int column = 0; column < columns; column++)
      for (int output = 0; output < outputs; output++) {
        int32_t sum = b[output];
        for (int i = 0; i < kernel_height; i++)
          for (int j = 0; j < kernel_width; j++) {
            int down = row * stride_down + i - top, across = column * stride_across + j - left;
            if (down < 0 || down >= height || across < 0 || across >= width) continue;
            const int8_t *xs = x + (down * width + across) * channels;
            const int8_t *ws = w + ((output * kernel_height + i) * kernel_width + j) * channels;
            for (int k = 0; k < channels; k++) sum += (xs[k] - x_zero) * ws[k];
          }
        *y++ = requantize(sum, m[output], s[output], y_zero, low, high);
      }
}
"""

DEPTHWISE = """\
/* Depthwise convolution: output c reads channel c / multiple. w: [outputs][kernel_height]
   [kernel_width]; otherwise as a convolution. */
static __attribute__((noinline)) void depthwise(
    const int8_t *x, int8_t *y, int height, int width, int channels, int rows, int columns,
    int outputs, int kernel_height, int kernel_width, int stride_down, int stride_across,
    int top, int left, const int8_t *w, const int32_t *b, const int32_t *m, const int8_t *s,
    int x_zero, int y_zero, int low, int high) {
  int multiple = outputs / channels;
  for (int row = 0; row < rows; row++)
    for (int column = 0; column < columns; column++)
      for (int output = 0; output < outputs; output++) {
        int32_t sum = b[output];
        for (int i = 0; i < kernel_height; i++)
          for (int j = 0; j < kernel_width; j++) {
            int down = row * stride_down + i - top, across = column * stride_across + j - left;
            if (down < 0 || down >= height || across < 0 || across >= width) continue;
            sum += (x[(down * width + across) * channels + output / multiple] - x_zero) *
                   w[(output * kernel_height + i) * kernel_width + j];
          }
        *y++ = requantize(sum, m[output], s[output], y_zero, low, high);
      }
}
"""

LINEAR = """\
/* Fully connected layer. x: [inputs]; y: [outputs]; w: [outputs][inputs]; b, m, s: [outputs]. */
static __attribute__((noinline)) void linear(
    const int8_t *x, int8_t *y, int inputs, int outputs, const int8_t *w, const int32_t *b,
    const int32_t *m, const int8_t *s, int x_zero, int y_zero, int low, int high) {
  for (int output = 0; output < outputs; output++) {
    int32_t sum = b[output];
    for (int k = 0; k < inputs; k++) sum += (x[k] - x_zero) * w[output * inputs + k];
    y[output] = requantize(sum, m[output], s[output], y_zero, low, high);
  }
}
"""

AVERAGE = """\
/* Average of each channel over all places, to the nearest, halves away from zero.
   x: [places][channels]; y: [channels]. */
static __attribute__((noinline)) void average(
    const int8_t *x, int8_t *y, int places, int channels, int low, int high) {
  for (int channel = 0; channel < channels; channel++) {
    int32_t sum = 0;
    for (int place = 0; place < places; place++) sum += x[place * channels + channel];
    sum = sum > 0 ? (sum + places / 2) / places : (sum - places / 2) / places;
    y[channel] = (int8_t)(sum < low ? low : sum > high ? high : sum);
  }
}
"""


def write(place: Place) -> LayerCode:
    """Return plain loops for a layer; those without weights are written by `others`.

    Raises
    ------
    CodeError
        If there is no kernel for it.
    """
    layer = place.layer
    if isinstance(layer, Convolution):
        return _convolution(place, layer)
    if isinstance(layer, Linear):
        return _linear(place, layer)
    if isinstance(layer, Pool) and layer.kind == "average" and _covers_all(place, layer):
        places = place.inputs[0].elements // place.output.elements
        arguments = f"{places}, {place.output.elements}, {layer.low}, {layer.high}"
        return LayerCode({"average": AVERAGE}, f"average({{x}}, {{y}}, {arguments});")
    return others.write(place)


def _covers_all(place: Place, layer: Pool) -> bool:
    """Whether there is one window, over the whole input: not so if it is smaller than that."""
    return layer.size == place.inputs[0].shape[:2] and place.output.shape[:2] == (1, 1)


def _convolution(place: Place, layer: Convolution) -> LayerCode:
    if any(layer.padding) and layer.padding_code != layer.input_zero_point:
        # A folded zero point: the products around the input are no longer 0.
        raise CodeError(f"{layer.name}: plain loops leave out what lies around the input")
    name, text = ("depthwise", DEPTHWISE) if layer.is_depthwise else ("convolution", CONVOLUTION)
    sizes: list[Any] = [*place.inputs[0].shape, *place.output.shape]
    sizes += [*layer.weights.shape[1:3], *layer.stride, layer.padding[0], layer.padding[2]]
    return LayerCode(
        {name: text},
        f"{name}({{x}}, {{y}}, {', '.join(map(str, sizes))}, {_rest(place)});",
        weight_tables(place),
    )


def _linear(place: Place, layer: Linear) -> LayerCode:
    sizes = f"{layer.weights.shape[1]}, {layer.outputs}"
    call = f"linear({{x}}, {{y}}, {sizes}, {_rest(place)});"
    return LayerCode({"linear": LINEAR}, call, weight_tables(place))


def _rest(place: Place) -> str:
    layer: Any = place.layer
    n = place.number
    numbers = (layer.input_zero_point, place.output.zero_point, layer.low, layer.high)
    return f"w{n}, b{n}, m{n}, s{n}, " + ", ".join(map(str, numbers))
