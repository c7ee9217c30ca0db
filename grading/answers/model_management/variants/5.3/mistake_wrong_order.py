# message: does not have the right bits
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
    state = {}
    while name is not None:
        record = read(name)
        state.update(record["tensors"])
        name = record["base"]
    return state
