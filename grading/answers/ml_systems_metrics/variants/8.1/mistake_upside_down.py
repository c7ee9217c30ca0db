# message: relative energy of
def relative_energy(table, base):
    return {name: table[base] / pj for name, pj in table.items()}


def layer_energy_pj(shape, precision, table):
    ins, outs, kernel, height, width = shape
    weights = ins * outs * kernel**2
    add = "int32 add" if precision == "int8" else "float32 add"
    arithmetic = weights * height * width * (table[f"{precision} multiply"] + table[add])
    size = 1 if precision == "int8" else 4
    tensors = [weights, ins * height * width, outs * height * width]
    words = sum(-(-n * size // 4) for n in tensors)
    return arithmetic, words * table["DRAM read"]
