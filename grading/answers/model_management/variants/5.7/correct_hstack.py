import numpy as np


def pack_set(models):
    names = list(models[0])
    shapes = [models[0][name].shape for name in names]
    for model in models[1:]:
        if sorted(model) != sorted(names) or [model[n].shape for n in names] != shapes:
            raise ValueError("the models differ in names or shapes")
    columns = [np.stack([m[n] for m in models]).reshape(len(models), -1) for n in names]
    return list(zip(names, shapes)), np.hstack(columns).astype("float32")


def unpack_model(layout, matrix, index):
    numbers = iter(matrix[index].tolist())
    state = {}
    for name, shape in layout:
        count = 1
        for side in shape:
            count *= side
        values = [next(numbers) for _ in range(count)]
        state[name] = np.array(values, np.float32).reshape(shape)
    return state
