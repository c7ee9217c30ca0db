import numpy as np


def replay(record, step, fingerprint):
    rng = np.random.default_rng(record["seed"])
    state = record["state"]
    for epoch in range(record["first_epoch"] + record["epochs"]):
        order = rng.permutation(record["examples"])
        if epoch < record["first_epoch"]:
            continue
        for chunk in np.split(order, range(record["batch"], len(order), record["batch"])):
            state = step(state, chunk)
    if fingerprint(state) != record["hash"]:
        raise ValueError("the hash does not fit")
    return state
