import hashlib

import numpy as np


def tensor_hash(array):
    flat = np.ravel(array, order="C")
    if array.dtype.byteorder == ">":
        flat = flat.byteswap()
    header = array.dtype.name + " " + "x".join([str(n) for n in array.shape]) + "\n"
    return hashlib.sha256(header.encode("ascii") + flat.tobytes()).hexdigest()


def layer_hash(tensors):
    lines = []
    for name in sorted(tensors.keys()):
        lines.append(name + " " + tensor_hash(tensors[name]))
    return hashlib.sha256(("\n".join(lines) + "\n").encode()).hexdigest()
