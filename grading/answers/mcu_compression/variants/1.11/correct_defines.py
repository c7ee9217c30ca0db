def pointwise_source(places, inputs, outputs, x_zero, y_zero):
    sizes = {"P": places, "N": inputs, "O": outputs, "XZ": x_zero, "YZ": y_zero}
    defines = "\n".join(f"#define {name} ({value})" for name, value in sizes.items())
    return (
        defines
        + """
void pointwise(const int8_t *x, int8_t *y, const int8_t *w, const int32_t *b,
               const int32_t *m, const int8_t *s) {
  for (int o = 0; o < O; o++)
    for (int p = 0; p < P; p++) {
      int32_t sum = 0;
      for (int k = N - 1; k >= 0; k--) sum += ((int16_t)x[p * N + k] - XZ) * (int16_t)w[o * N + k];
      y[p * O + o] = requantize(sum + b[o], m[o], s[o], YZ, -128, 127);
    }
}
"""
    )
