# message: not the nearest
import numpy as np


def quantize_tokens(values):
    scales = np.abs(values).max(axis=2) / 127
    scales[scales == 0] = 1
    codes = np.trunc(values / scales[..., None])
    return codes.astype(np.int8), scales


def int8_token_bytes(model):
    vectors = 2 * model["layers"] * model["kv_heads"]
    return vectors * model["head_width"] + 4 * vectors


def score_error_bound(query, scales):
    sums = np.abs(query).sum(axis=1, keepdims=True)
    return sums * scales / (2 * query.shape[1] ** 0.5)
