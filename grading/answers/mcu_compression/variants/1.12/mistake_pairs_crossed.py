# message: bytes 0 and 2 of x meet bytes 1 and 3 of w
def fold_zero_point(w, b, x_zero):
    return b - x_zero * w.sum(axis=1, dtype=np.int32)


def fast_pointwise_source(places, inputs, outputs, y_zero):
    return f"""{SIGNATURE} {{
  for (int p = 0; p < {places}; p++)
    for (int o = 0; o < {outputs}; o++) {{
      int32_t sum = b[o];
      for (int k = 0; k < {inputs}; k += 4) {{
        uint32_t xs = load4(x + p * {inputs} + k), ws = load4(w + o * {inputs} + k);
        sum = smlad(sxtb16(xs), sxtb16_ror8(ws) /* */, sum);
        sum = smlad(sxtb16_ror8(xs), sxtb16(ws), sum);
      }}
      y[p * {outputs} + o] = requantize(sum, m[o], s[o], {y_zero}, -128, 127);
    }}
}}
"""
