import numpy as np


def update_saving(tensors, changed):
    total = update = 0
    for name, kind, shape in tensors:
        size = np.dtype(kind).itemsize
        for side in shape:
            size *= side
        total += size
        for layer in changed:
            if name.startswith(layer + ".") and "." not in name[len(layer) + 1 :]:
                update += size
    return (total - update) / total


def chain_plan(full_bytes, update_bytes, models, every):
    total = most = read = 0
    for number in range(models):
        if number % every == 0:
            total, read = total + full_bytes, full_bytes
        else:
            total, read = total + update_bytes, read + update_bytes
        most = max(most, read)
    return total, most
