# message: missing from the update
import numpy as np


def update_of(base, state):
    changed = {
        name: array
        for name, array in state.items()
        if name not in base or not np.array_equal(base[name], array, equal_nan=True)
    }
    return changed, sorted(set(base) - set(state))


def recover(name, read):
    record = read(name)
    state = recover(record["base"], read) if record["base"] is not None else {}
    for gone in record["removed"]:
        del state[gone]
    return {**state, **record["tensors"]}
