# message: scores in the thousands
import numpy as np


def attend(query, key, value, *, keys, values):
    keys = np.concatenate([keys, key[:, None]], axis=1)
    values = np.concatenate([values, value[:, None]], axis=1)
    scores = np.einsum("hd,htd->ht", query, keys) / np.sqrt(query.shape[1])
    weights = np.exp(scores)
    weights = weights / weights.sum(axis=1, keepdims=True)
    return np.einsum("ht,htd->hd", weights, values), keys, values
