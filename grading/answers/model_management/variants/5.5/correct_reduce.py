import numpy as np


def replay(record, step, fingerprint):
    import functools

    rng = np.random.default_rng(record["seed"])
    size, batches = record["batch"], []
    for epoch in range(record["epochs"] + record["first_epoch"]):
        order = rng.permutation(np.arange(record["examples"])).tolist()
        if epoch >= record["first_epoch"]:
            batches += [order[i : i + size] for i in range(0, len(order), size)]
    state = functools.reduce(step, batches, record["state"])
    if not fingerprint(state) == record["hash"]:
        raise ValueError(f"{fingerprint(state)} instead of {record['hash']}")
    return state
