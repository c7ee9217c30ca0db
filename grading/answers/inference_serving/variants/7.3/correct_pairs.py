def step_cost(model, *, batch, new, cached, number_bytes):
    pairs = new * cached + new * (new + 1) / 2
    attention = 4 * model["layers"] * model["width"] * pairs
    ops = batch * (2 * model["parameters"] * new + attention)
    cache = 2 * model["layers"] * model["width"] * batch * (cached + new)
    return ops, number_bytes * (model["parameters"] + cache)
