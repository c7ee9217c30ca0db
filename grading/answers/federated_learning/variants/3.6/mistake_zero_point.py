# message: the scale should be
import numpy as np


def top_k(update, k):
    if not np.isfinite(update).all():
        raise ValueError("not finite")
    indices = np.sort(np.argsort(-np.abs(update), kind="stable")[:k]).astype(np.uint32)
    return indices, update[indices]


def quantize_int8(update, uniform):
    if not np.isfinite(update).all():
        raise ValueError("not finite")
    scale = np.array([np.ptp(update) / 255 or 1], np.float32)
    codes = np.floor((update - update.min()) / scale + uniform) - 127
    return np.clip(codes, -127, 127).astype(np.int8), scale


def with_error_feedback(update, memory, *, compress, decompress):
    owed = update + memory
    message = compress(owed)
    return message, owed - decompress(message)
