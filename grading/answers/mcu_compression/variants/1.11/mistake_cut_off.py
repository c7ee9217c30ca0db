# message: the product is cut off, not rounded
def pointwise_source(places, inputs, outputs, x_zero, y_zero):
    return f"""
static int scaled(int64_t value) {{
  int code = value + ({y_zero});
  return code < -128 ? -128 : code > 127 ? 127 : code;
}}
{SIGNATURE} {{
  for (int p = 0; p < {places}; p++)
    for (int o = 0; o < {outputs}; o++) {{
      int32_t sum = b[o];
      for (int k = 0; k < {inputs}; k++)
        sum += (x[p * {inputs} + k] - ({x_zero})) * w[o * {inputs} + k];
      y[p * {outputs} + o] = scaled(sum * (int64_t)m[o] >> (31 - s[o]));
    }}
}}
"""
