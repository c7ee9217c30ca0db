# message: should raise ValueError
import numpy as np


def pack_set(models):
    layout = [(name, array.shape) for name, array in models[0].items()]
    rows = [np.concatenate([model[name].ravel() for name, _ in layout]) for model in models]
    return layout, np.stack(rows)


def unpack_model(layout, matrix, index):
    row, state = matrix[index], {}
    for name, shape in layout:
        size = int(np.prod(shape))
        state[name], row = row[:size].reshape(shape), row[size:]
    return state
