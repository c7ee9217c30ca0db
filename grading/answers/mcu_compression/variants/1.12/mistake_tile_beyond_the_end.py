# message: you write where y is not
def fold_zero_point(w, b, x_zero):
    return [int(bias) - x_zero * sum(map(int, row)) for row, bias in zip(w, b)]


def fast_pointwise_source(places, inputs, outputs, y_zero):
    return f"""
static void one(const int8_t *x, int8_t *y, const int8_t *w, int32_t sum, int32_t m, int s) {{
  for (int k = 0; k < {inputs}; k++) sum += x[k] * w[k];
  *y = requantize(sum, m, s, {y_zero}, -128, 127);
}}
{SIGNATURE} {{
  int o = 0;
  for (; o + 1 < {outputs}; o += 2) {{
    const int8_t *w0 = w + o * {inputs}, *w1 = w0 + {inputs};
    int p = 0;
    for (; p < {places}; p += 2) {{
      const int8_t *x0 = x + p * {inputs}, *x1 = x0 + {inputs};
      int32_t a = b[o], c = b[o + 1], d = b[o], e = b[o + 1];
      for (int k = 0; k < {inputs}; k += 4) {{
        uint32_t u = load4(x0 + k), v = load4(x1 + k), g = load4(w0 + k), h = load4(w1 + k);
        uint32_t ue = sxtb16(u), ve = sxtb16(v), ge = sxtb16(g), he = sxtb16(h);
        a = smlad(ue, ge, a); c = smlad(ue, he, c); d = smlad(ve, ge, d); e = smlad(ve, he, e);
        ue = sxtb16_ror8(u), ve = sxtb16_ror8(v), ge = sxtb16_ror8(g), he = sxtb16_ror8(h);
        a = smlad(ue, ge, a); c = smlad(ue, he, c); d = smlad(ve, ge, d); e = smlad(ve, he, e);
      }}
      y[p * {outputs} + o] = requantize(a, m[o], s[o], {y_zero}, -128, 127);
      y[p * {outputs} + o + 1] = requantize(c, m[o + 1], s[o + 1], {y_zero}, -128, 127);
      y[(p + 1) * {outputs} + o] = requantize(d, m[o], s[o], {y_zero}, -128, 127);
      y[(p + 1) * {outputs} + o + 1] = requantize(e, m[o + 1], s[o + 1], {y_zero}, -128, 127);
    }}
    if (0)
      for (int i = o; i < o + 2; i++)
        one(x + p * {inputs}, y + p * {outputs} + i, w + i * {inputs}, b[i], m[i], s[i]);
  }}
  if (o < {outputs})
    for (int p = 0; p < {places}; p++)
      one(x + p * {inputs}, y + p * {outputs} + o, w + o * {inputs}, b[o], m[o], s[o]);
}}
"""
