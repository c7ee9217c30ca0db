# message: at most 45% here
def fold_zero_point(w, b, x_zero):
    return b - x_zero * w.sum(axis=1, dtype=np.int32)


def fast_pointwise_source(places, inputs, outputs, y_zero):
    return f"""{SIGNATURE} {{
  for (int p = 0; p < {places}; p++)
    for (int o = 0; o < {outputs}; o++) {{
      int32_t sum = b[o];
      for (int k = 0; k < {inputs}; k++) sum += x[p * {inputs} + k] * w[o * {inputs} + k];
      y[p * {outputs} + o] = requantize(sum, m[o], s[o], {y_zero}, -128, 127);
    }}
}}
"""
