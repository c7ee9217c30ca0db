import numpy as np


def pack_set(models):
    first = models[0]
    layout = [(name, first[name].shape) for name in first]
    sizes = [first[name].size for name in first]
    ends = np.cumsum([0, *sizes])
    matrix = np.zeros((len(models), ends[-1]), np.float32)
    for i, model in enumerate(models):
        if len(model) != len(first):
            raise ValueError("another number of tensors")
        for (name, shape), start, end in zip(layout, ends[:-1], ends[1:]):
            if name not in model or model[name].shape != shape:
                raise ValueError(name)
            matrix[i, start:end] = model[name].flatten()
    return layout, matrix


def unpack_model(layout, matrix, index):
    sizes = [int(np.prod(shape)) for _, shape in layout]
    parts = np.split(matrix[index], np.cumsum(sizes)[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(layout, parts)}
