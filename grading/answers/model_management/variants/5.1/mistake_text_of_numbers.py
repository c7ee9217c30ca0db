# message: hash the line, a newline, then the bytes
import hashlib

import numpy as np


def tensor_hash(array):
    line = f"{array.dtype.name} {'x'.join(map(str, array.shape))}\n"
    return hashlib.sha256((line + str(array.tolist())).encode()).hexdigest()


def layer_hash(tensors):
    digest = hashlib.sha256()
    for name, array in sorted(tensors.items()):
        digest.update(f"{name} {tensor_hash(array)}\n".encode())
    return digest.hexdigest()
