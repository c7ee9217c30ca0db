# message: bytes stored
import numpy as np


def update_saving(tensors, changed):
    sizes = {}
    for name, kind, shape in tensors:
        layer = ".".join(name.split(".")[:-1])
        sizes.setdefault(layer, 0)
        sizes[layer] += np.zeros(shape, kind).nbytes
    update = sum(size for layer, size in sizes.items() if layer in changed)
    return 1 - update / sum(sizes.values())


def chain_plan(full_bytes, update_bytes, models, every):
    full = models // every
    total = full * full_bytes + (models - full) * update_bytes
    return total, full_bytes + (min(every, models) - 1) * update_bytes
