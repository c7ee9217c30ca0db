# message: last key of the cache
import numpy as np


def attend(query, key, value, *, keys, values):
    keys = np.concatenate([key[:, None], keys], axis=1)
    values = np.concatenate([value[:, None], values], axis=1)
    scores = np.einsum("hd,htd->ht", query, keys) / np.sqrt(query.shape[1])
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights = weights / weights.sum(axis=1, keepdims=True)
    return np.einsum("ht,htd->hd", weights, values), keys, values
