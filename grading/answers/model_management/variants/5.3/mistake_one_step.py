# message: the records that it reads
import numpy as np


def update_of(base, state):
    changed = {}
    for name, array in state.items():
        old = base.get(name)
        if (
            old is None
            or old.dtype != array.dtype
            or old.shape != array.shape
            or old.tobytes() != array.tobytes()
        ):
            changed[name] = array
    return changed, sorted(set(base) - set(state))


def recover(name, read):
    record = read(name)
    if record["base"] is None:
        return record["tensors"]
    state = {**read(record["base"])["tensors"], **record["tensors"]}
    return {k: v for k, v in state.items() if k not in record["removed"]}
