def pointwise_source(places, inputs, outputs, x_zero, y_zero):
    terms = [f"(x[{k}] - ({x_zero})) * w[o * {inputs} + {k}]" for k in range(inputs)]
    lines = [f"{SIGNATURE}", "{", f"  for (int p = 0; p < {places}; p++, x += {inputs})"]
    lines += [f"    for (int o = 0; o < {outputs}; o++) {{", "      int32_t sum = b[o];"]
    lines += [f"      sum += {term};" for term in terms]
    lines += [f"      *y++ = requantize(sum, m[o], s[o], {y_zero}, -128, 127);", "    }", "}"]
    return "\n".join(lines)
