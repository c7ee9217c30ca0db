# message: the saving if
import numpy as np


def update_saving(tensors, changed):
    sizes = {name: np.zeros(shape, kind).nbytes for name, kind, shape in tensors}
    update = sum(s for n, s in sizes.items() if n.startswith(tuple(changed)))
    return 1 - update / sum(sizes.values())


def chain_plan(full_bytes, update_bytes, models, every):
    sizes = [full_bytes if i % every == 0 else update_bytes for i in range(models)]
    most = max(sum(sizes[i - i % every : i + 1]) for i in range(models))
    return sum(sizes), most
