import math

import numpy as np


def quantize_tokens(values):
    codes = np.zeros(values.shape, dtype=int)
    scales = np.ones(values.shape[:2])
    for h, head in enumerate(values):
        for t, row in enumerate(head):
            top = max(float(row.max()), -float(row.min()))
            if top:
                scales[h, t] = top / 127
            codes[h, t] = [math.floor(x / scales[h, t] + 0.5) for x in row.tolist()]
    return codes.clip(-127, 127), scales


def int8_token_bytes(model):
    return sum(model["kv_heads"] * (model["head_width"] + 4) for _ in range(2 * model["layers"]))


def score_error_bound(query, scales):
    return [
        [sum(abs(x) for x in q) * 0.5 * s / math.sqrt(len(q)) for s in row]
        for q, row in zip(query.tolist(), scales.tolist(), strict=True)
    ]
