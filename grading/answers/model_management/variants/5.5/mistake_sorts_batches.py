# message: the original on
import numpy as np


def replay(record, step, fingerprint):
    rng = np.random.default_rng(record["seed"])
    n, batch = record["examples"], record["batch"]
    orders = [rng.permutation(n) for _ in range(record["first_epoch"] + record["epochs"])]
    state = record["state"]
    for order in orders[record["first_epoch"] :]:
        position = 0
        while position < n:
            state = step(state, np.sort(order[position : position + batch]))
            position += batch
    if fingerprint(state) == record["hash"]:
        return state
    raise ValueError("this is another model")
