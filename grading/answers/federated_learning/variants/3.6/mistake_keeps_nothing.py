# message: is left; your memory has 0
import numpy as np


def top_k(update, k):
    if not np.isfinite(update).all():
        raise ValueError("not finite")
    indices = np.sort(np.argsort(-np.abs(update), kind="stable")[:k]).astype(np.uint32)
    return indices, update[indices]


def quantize_int8(update, uniform):
    if not np.isfinite(update).all():
        raise ValueError("not finite")
    scale = np.abs(update).max(keepdims=True) / np.float32(127)
    codes = np.floor(update / np.where(scale > 0, scale, 1) + uniform)
    return np.clip(codes, -127, 127).astype(np.int8), scale


def with_error_feedback(update, memory, *, compress, decompress):
    owed = update + memory
    message = compress(owed)
    return message, 0 * (owed - decompress(message))
