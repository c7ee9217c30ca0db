import numpy as np


def step_cost(model, *, batch, new, cached, number_bytes):
    seen = np.arange(cached + 1, cached + new + 1)
    tall = model["layers"] * model["width"]
    per_token = 2 * model["parameters"] + 4 * tall * seen
    numbers = model["parameters"] + 2 * tall * seen[-1] * batch
    return batch * per_token.sum(), numbers * number_bytes
