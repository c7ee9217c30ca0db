import numpy as np


def cache_bytes(model, *, tokens, batch, number_bytes):
    shape = [2, model["layers"], batch, tokens, model["kv_heads"], model["head_width"]]
    return float(np.prod(shape, dtype=np.int64)) * number_bytes


def sequences_that_fit(memory_bytes, token_bytes, *, lengths, block):
    blocks = (np.asarray(lengths, dtype=np.int64) + block - 1) // block
    sums = np.cumsum(blocks * block * token_bytes)
    return np.searchsorted(sums, memory_bytes, side="right")
