import math

import numpy as np


def top_k(update, k):
    numbers = update.tolist()
    if any(x != x or abs(x) == float("inf") for x in numbers):
        raise ValueError("not finite")
    order = sorted(range(len(numbers)), key=lambda i: (-abs(numbers[i]), i))
    places = sorted(order[:k])
    return np.array(places, np.uint32), np.array([numbers[i] for i in places], np.float32)


def quantize_int8(update, uniform):
    numbers = update.tolist()
    if not all(math.isfinite(x) for x in numbers):
        raise ValueError("not finite")
    scale = max(abs(x) for x in numbers) / 127
    codes = []
    for x, u in zip(numbers, uniform.tolist()):
        code = math.floor(x / scale + u) if scale else 0
        codes.append(max(-127, min(127, code)))
    return np.array(codes, np.int8), np.array([scale], np.float32)


def with_error_feedback(update, memory, *, compress, decompress):
    owed = np.array([u + m for u, m in zip(update, memory)], np.float32)
    message = compress(owed)
    arrived = decompress(message)
    return message, np.array([o - a for o, a in zip(owed, arrived)], np.float32)
