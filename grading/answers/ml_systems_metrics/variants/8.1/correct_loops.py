def relative_energy(table, base):
    column = {}
    for name in table:
        column[name] = table[name] / table[base]
    return column


def layer_energy_pj(shape, precision, table):
    ins, outs, kernel, height, width = shape
    arithmetic = 0.0
    for _ in range(height * width):
        arithmetic += ins * outs * kernel * kernel * table[precision + " multiply"]
        extra = "int32" if precision == "int8" else precision
        arithmetic += ins * outs * kernel * kernel * table[extra + " add"]
    dram = 0
    for tensor in (ins * outs * kernel * kernel, ins * height * width, outs * height * width):
        full, rest = divmod(tensor, 4 if precision == "int8" else 1)
        dram += (full + (rest > 0)) * table["DRAM read"]
    return [arithmetic, dram]
