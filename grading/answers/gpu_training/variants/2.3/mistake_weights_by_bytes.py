# message: each storage once
import torch


def state_bytes(parameters, precision, *, optimizer):
    moments = {"sgd": 0, "momentum": 1, "adamw": 2}
    if precision not in ("float32", "mixed") or optimizer not in moments:
        raise ValueError(f"{precision!r} with {optimizer!r} is not known")
    is_mixed = precision == "mixed"
    one = parameters * (2 if is_mixed else 4)
    kept = 4 * parameters * (moments[optimizer] + is_mixed)
    return {"weights": one, "gradients": one, "optimizer": kept}


def activation_bytes(model, x):
    saved = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(x)
    return sum(saved.values()) - sum(t.nbytes for t in model.parameters())
