def pointwise_source(places, inputs, outputs, x_zero, y_zero):
    return f"""
static int32_t dot(const int8_t *x, const int8_t *w, int32_t sum) {{
  int n = {inputs};
  while (n--) sum += (*x++ - ({x_zero})) * *w++;
  return sum;
}}
void pointwise(const int8_t *x, int8_t *y, const int8_t *w, const int32_t *b,
               const int32_t *m, const int8_t *s) {{
  const int8_t *end = x + {places * inputs};
  for (; x < end; x += {inputs})
    for (int o = 0; o < {outputs}; o++)
      *y++ = requantize(dot(x, w + o * {inputs}, b[o]), m[o], s[o], {y_zero}, -128, 127);
}}
"""
