# message: some of them twice
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
    state = recover(read(name)["base"], read) if record["base"] is not None else {}
    for gone in record["removed"]:
        del state[gone]
    return {**state, **record["tensors"]}
