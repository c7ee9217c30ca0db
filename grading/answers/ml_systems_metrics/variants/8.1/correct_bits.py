import math


def relative_energy(table, base):
    unit = table[base]
    return {key: value / unit for key, value in sorted(table.items())}


def layer_energy_pj(shape, precision, table):
    i, o, k, h, w = shape
    bits = int(precision.strip("infloat"))
    accumulate = max(bits, 32)
    kind = precision.rstrip("0123456789")
    mac = table[f"{kind}{bits} multiply"] + table[f"{kind}{accumulate} add"]
    words = [math.ceil(n * bits / 32) for n in (i * o * k * k, i * h * w, o * h * w)]
    return (i * o * k * k * h * w * mac, table["DRAM read"] * sum(words))
