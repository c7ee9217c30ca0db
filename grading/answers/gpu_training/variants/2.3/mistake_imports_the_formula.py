# message: withheld
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
    from labs.gpu_training.allocations import Allocations

    with Allocations() as held:
        out = model(x)
    return held.live_bytes - out.nbytes
