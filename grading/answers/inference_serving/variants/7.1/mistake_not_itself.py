# message: two tokens with scores 1 and 0
import numpy as np


def attend(query, key, value, *, keys, values):
    scores = np.einsum("hd,htd->ht", query, keys) / np.sqrt(query.shape[1])
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights = weights / weights.sum(axis=1, keepdims=True)
    mixed = np.einsum("ht,htd->hd", weights, values)
    keys = np.concatenate([keys, key[:, None]], axis=1)
    values = np.concatenate([values, value[:, None]], axis=1)
    return mixed, keys, values
