# message: optimizer of
import torch


def state_bytes(parameters, precision, *, optimizer):
    number = {"float32": 4, "mixed": 2}.get(precision)
    moments = {"sgd": 0, "momentum": 1, "adamw": 2}.get(optimizer)
    if number is None or moments is None:
        raise ValueError("not known")
    copy = 4 * parameters if precision == "mixed" else 0
    kept = parameters * number * moments + copy
    return {"weights": parameters * number, "gradients": parameters * number, "optimizer": kept}


def activation_bytes(model, x):
    saved = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(x)
    own = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    return sum(held for place, held in saved.items() if place not in own)
