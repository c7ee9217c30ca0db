import hashlib

import numpy as np


def tensor_hash(array):
    import torch

    native = array.astype(array.dtype.newbyteorder("="))
    tensor = torch.from_numpy(native).contiguous()
    kind = str(tensor.dtype).removeprefix("torch.")
    line = kind + " " + "x".join(str(n) for n in tensor.shape) + "\n"
    return hashlib.sha256(line.encode() + tensor.numpy().tobytes()).hexdigest()


def layer_hash(tensors):
    digest = hashlib.sha256()
    for name, array in sorted(tensors.items()):
        digest.update(f"{name} {tensor_hash(array)}\n".encode())
    return digest.hexdigest()
