# message: return the C text as one str
def pointwise_source(places, inputs, outputs, x_zero, y_zero):
    print(f"""{SIGNATURE} {{
  for (int p = 0; p < {places}; p++)
    for (int o = 0; o < {outputs}; o++) {{
      int32_t sum = b[o];
      for (int k = 0; k < {inputs}; k++)
        sum += (x[p * {inputs} + k] - ({x_zero})) * w[o * {inputs} + k];
      y[p * {outputs} + o] = requantize(sum, m[o], s[o], {y_zero}, -128, 127);
    }}
}}
""")
