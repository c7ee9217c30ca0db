def pointwise_source(places, inputs, outputs, x_zero, y_zero):
    return f"""{SIGNATURE} {{
  for (int i = 0; i < {places} * {outputs}; i++) {{
    int p = i / {outputs}, o = i % {outputs};
    int64_t sum = b[o];
    for (int k = 0; k < {inputs}; k++)
      sum += (int64_t)(x[p * {inputs} + k] - ({x_zero})) * w[o * {inputs} + k];
    int left = s[o] > 0 ? s[o] : 0, right = s[o] > 0 ? 0 : -s[o];
    int64_t value = ((sum * (1ll << left)) * m[o] + (1ll << 30)) >> 31;
    int64_t half = right ? 1ll << (right - 1) : 0;
    value = value < 0 ? -((-value + half) >> right) : (value + half) >> right;
    value += {y_zero};
    y[i] = value < -128 ? -128 : value > 127 ? 127 : value;
  }}
}}
"""
