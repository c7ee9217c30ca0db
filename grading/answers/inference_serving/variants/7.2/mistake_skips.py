# message: 50, 1, 1
def cache_bytes(model, *, tokens, batch, number_bytes):
    per_token = 2 * model["layers"] * model["kv_heads"] * model["head_width"] * number_bytes
    return per_token * tokens * batch


def sequences_that_fit(memory_bytes, token_bytes, *, lengths, block):
    left = memory_bytes
    fitting = 0
    for length in lengths:
        left -= -(-length // block) * block * token_bytes
        if left < 0:
            left += -(-length // block) * block * token_bytes
            continue
        fitting += 1
    return fitting
