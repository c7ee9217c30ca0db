# message: names and hashes, sorted by name
import hashlib

import numpy as np


def tensor_hash(array):
    digest = hashlib.sha256()
    digest.update(("{} {}\n".format(array.dtype.name, "x".join(map(str, array.shape)))).encode())
    digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def layer_hash(tensors):
    lines = [f"{name} {tensor_hash(tensors[name])}" for name in sorted(tensors)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
