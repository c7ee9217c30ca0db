import numpy as np


def update_saving(tensors, changed):
    names = [name.rsplit(".", 1)[0] for name, _, _ in tensors]
    sizes = np.array([np.dtype(kind).itemsize * int(np.prod(shape)) for _, kind, shape in tensors])
    kept = ~np.isin(names, list(changed))
    return float(sizes[kept].sum() / sizes.sum())


def chain_plan(full_bytes, update_bytes, models, every):
    full = -(-models // every)
    longest = min(models, every) - 1
    return full * full_bytes + (models - full) * update_bytes, full_bytes + longest * update_bytes
