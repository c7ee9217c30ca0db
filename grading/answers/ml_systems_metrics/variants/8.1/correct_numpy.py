import numpy as np


def relative_energy(table, base):
    return dict(zip(table.keys(), np.array(list(table.values())) / table[base]))


def layer_energy_pj(shape, precision, table):
    i, o, k, h, w = shape
    per_word = {"int8": 4, "float32": 1}[precision]
    add = {"int8": table["int32 add"], "float32": table["float32 add"]}[precision]
    numbers = np.array([i * o * k * k, i * h * w, o * h * w])
    words = np.ceil(numbers / per_word).sum()
    macs = numbers[0] * h * w
    return np.array([macs * (table[f"{precision} multiply"] + add), words * table["DRAM read"]])
