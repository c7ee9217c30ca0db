# message: does not have the right bits
import numpy as np


def pack_set(models):
    layout = [(name, tuple(array.shape)) for name, array in models[0].items()]
    matrix = []
    for model in models:
        if set(model) != {name for name, _ in layout}:
            raise ValueError("other names")
        row = []
        for name, shape in layout:
            if tuple(model[name].shape) != shape:
                raise ValueError(f"{name} has another shape")
            row.extend(model[name].reshape(-1))
        matrix.append(row)
    return layout, np.array(matrix, dtype=np.float32)


def unpack_model(layout, matrix, index):
    row, state = matrix[0], {}
    for name, shape in layout:
        size = int(np.prod(shape))
        state[name], row = row[:size].reshape(shape), row[size:]
    return state
