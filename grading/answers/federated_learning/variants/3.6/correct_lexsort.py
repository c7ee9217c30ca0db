import numpy as np


def top_k(update, k):
    if not np.isfinite(np.abs(update).sum(dtype=np.float64)):
        raise ValueError("not finite")
    order = np.lexsort((np.arange(update.size), -np.abs(update)))
    is_sent = np.zeros(update.size, bool)
    is_sent[order[:k]] = True
    return np.flatnonzero(is_sent).astype("u4"), update[is_sent]


def quantize_int8(update, uniform):
    largest = np.max(np.abs(update))
    if np.isnan(largest) or np.isinf(largest):
        raise ValueError("not finite")
    if largest == 0:
        return np.zeros(update.shape, np.int8), np.zeros(1, np.float32)
    exact = update.astype(np.float64) * 127 / largest
    codes = np.floor(exact + uniform)
    return np.minimum(codes, 127).astype(np.int8), np.array([largest / 127], np.float32)


def with_error_feedback(update, memory, *, compress, decompress):
    message = compress(np.add(update, memory, dtype=np.float32))
    arrived = np.asarray(decompress(message), np.float64)
    left = update.astype(np.float64) + memory - arrived
    return message, left.astype(np.float32)
