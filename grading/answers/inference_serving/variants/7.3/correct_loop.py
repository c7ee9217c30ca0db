def step_cost(model, *, batch, new, cached, number_bytes):
    ops = 0
    for i in range(1, new + 1):
        seen = cached + i
        ops += 2 * model["parameters"] + 4 * model["layers"] * model["width"] * seen
    moved = model["parameters"] * number_bytes
    for _ in range(batch):
        moved += 2 * model["layers"] * model["width"] * (cached + new) * number_bytes
    return [batch * ops, moved]
