def fold_zero_point(w, b, x_zero):
    return (b.astype(float) - w.astype(float) @ np.full(w.shape[1], float(x_zero))).astype(np.int64)


def fast_pointwise_source(places, inputs, outputs, y_zero):
    sums = [f"a{i}{j}" for i in range(2) for j in range(2)]
    lines = [SIGNATURE, "{"]
    lines += [f"for (int o = 0; o < {outputs}; o += 2) for (int p = 0; p < {places}; p += 2) {{"]
    lines += [f"int o{j} = o + {j} < {outputs} ? o + {j} : {outputs - 1};" for j in range(2)]
    lines += [f"int p{i} = p + {i} < {places} ? p + {i} : {places - 1};" for i in range(2)]
    lines += [f"int32_t {name} = b[o{name[2]}];" for name in sums]
    lines += [f"for (int k = 0; k < {inputs}; k += 4) {{"]
    lines += [f"uint32_t x{i} = load4(x + p{i} * {inputs} + k);" for i in range(2)]
    lines += [f"uint32_t w{j} = load4(w + o{j} * {inputs} + k);" for j in range(2)]
    for part in ("sxtb16", "sxtb16_ror8"):
        lines += ["{"]
        lines += [f"uint32_t u{i} = {part}(x{i});" for i in range(2)]
        lines += [f"uint32_t v{j} = {part}(w{j});" for j in range(2)]
        lines += [f"{n} = smlad(u{n[1]}, v{n[2]}, {n});" for n in sums]
        lines += ["}"]
    lines += ["}"]
    lines += [
        f"y[p{n[1]} * {outputs} + o{n[2]}] = "
        f"requantize({n}, m[o{n[2]}], s[o{n[2]}], {y_zero}, -128, 127);"
        for n in sums
    ]
    return "\n".join([*lines, "}", "}"])
