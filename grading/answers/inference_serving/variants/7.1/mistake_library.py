# message: withheld
import numpy as np
import torch


def attend(query, key, value, *, keys, values):
    keys = np.concatenate([keys, key[:, None]], axis=1)
    values = np.concatenate([values, value[:, None]], axis=1)
    q, k, v = (torch.as_tensor(x) for x in (query[:, None], keys, values))
    return torch.nn.functional.scaled_dot_product_attention(q, k, v)[:, 0], keys, values
