# message: tensors by their names
import numpy as np


def pack_set(models):
    layout = [(name, array.shape) for name, array in models[0].items()]
    for model in models:
        if {n: a.shape for n, a in model.items()} != dict(layout):
            raise ValueError("other shapes")
    rows = [np.concatenate([a.ravel() for a in model.values()]) for model in models]
    return layout, np.stack(rows)


def unpack_model(layout, matrix, index):
    row, state = matrix[index], {}
    for name, shape in layout:
        size = int(np.prod(shape))
        state[name], row = row[:size].reshape(shape), row[size:]
    return state
