# message: 3 new and 0 cached
def step_cost(model, *, batch, new, cached, number_bytes):
    pairs = new * cached + new * new
    attention = 4 * model["layers"] * model["width"] * pairs
    ops = batch * (2 * model["parameters"] * new + attention)
    cache = 2 * model["layers"] * model["width"] * batch * (cached + new)
    return ops, number_bytes * (model["parameters"] + cache)
