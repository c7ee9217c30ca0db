# message: should raise ValueError
import numpy as np


def pack_set(models):
    layout = [(name, tuple(array.shape)) for name, array in models[0].items()]
    matrix = []
    for model in models:
        if sum(a.size for a in model.values()) != sum(a.size for a in models[0].values()):
            raise ValueError("other names")
        row = []
        for name, _ in layout:
            row.extend(model[name].reshape(-1))
        matrix.append(row)
    return layout, np.array(matrix, dtype=np.float32)


def unpack_model(layout, matrix, index):
    row, state = matrix[index], {}
    for name, shape in layout:
        size = int(np.prod(shape))
        state[name], row = row[:size].reshape(shape), row[size:]
    return state
