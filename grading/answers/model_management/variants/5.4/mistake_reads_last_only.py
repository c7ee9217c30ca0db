# message: most bytes read
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
    sizes = [full_bytes if i % every == 0 else update_bytes for i in range(models)]
    return sum(sizes), sum(sizes[models - 1 - (models - 1) % every :])
