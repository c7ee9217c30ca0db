# message: the names of the changed tensors
import numpy as np


def update_of(base, state):
    changed = {n: a for n, a in state.items() if n in base and a.tobytes() != base[n].tobytes()}
    return changed, sorted(set(base) - set(state))


def recover(name, read):
    record = read(name)
    state = recover(record["base"], read) if record["base"] is not None else {}
    for gone in record["removed"]:
        del state[gone]
    return {**state, **record["tensors"]}
