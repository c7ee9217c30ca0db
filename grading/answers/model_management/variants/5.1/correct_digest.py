import hashlib

import numpy as np


def tensor_hash(array):
    digest = hashlib.sha256()
    digest.update(("{} {}\n".format(array.dtype.name, "x".join(map(str, array.shape)))).encode())
    digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def layer_hash(tensors):
    digest = hashlib.sha256()
    for name, array in sorted(tensors.items()):
        digest.update(f"{name} {tensor_hash(array)}\n".encode())
    return digest.hexdigest()
