import numpy as np


def attend(query, key, value, *, keys, values):
    keys = np.append(keys, key[:, np.newaxis, :], axis=1)
    values = np.append(values, value[:, np.newaxis, :], axis=1)
    scores = (keys * query[:, None]).sum(axis=2) / query.shape[1] ** 0.5
    top = scores.max(axis=1)[:, None]
    logs = top + np.log(np.exp(scores - top).sum(axis=1))[:, None]
    weights = np.exp(scores - logs)
    return (weights[:, :, None] * values).sum(axis=1), keys, values
