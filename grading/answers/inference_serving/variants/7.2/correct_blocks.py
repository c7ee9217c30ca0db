import math


def cache_bytes(model, *, tokens, batch, number_bytes):
    total = 0
    for _ in range(model["layers"]):
        keys = batch * model["kv_heads"] * tokens * model["head_width"]
        total += 2 * keys * number_bytes
    return total


def sequences_that_fit(memory_bytes, token_bytes, *, lengths, block):
    free = memory_bytes // (token_bytes * block)
    for i, length in enumerate(lengths):
        free -= math.ceil(length / block)
        if free < 0:
            return i
    return len(lengths)
