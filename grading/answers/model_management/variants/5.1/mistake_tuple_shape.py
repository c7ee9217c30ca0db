# message: should hash to
import hashlib

import numpy as np


def tensor_hash(array):
    line = f"{array.dtype.name} {array.shape}\n"
    return hashlib.sha256(line.encode() + array.tobytes()).hexdigest()


def layer_hash(tensors):
    digest = hashlib.sha256()
    for name, array in sorted(tensors.items()):
        digest.update(f"{name} {tensor_hash(array)}\n".encode())
    return digest.hexdigest()
